// SPDX-License-Identifier: MIT
// The Linux ABI of this kernel (ABI.md shows it): every CALL() of the families' headers, at its number (asm/unistd_64.h). To add a call:
// a row in the header of its family, a handler in the file of its kind, its flags in flags.def. One that Linux has not gets a number of its
// own there first, `#define __NR_name 500`; its test says `where: guest`.
#include "kernel/syscall/table.h"

#include <utility>

#include "kernel/syscall/files/files.h"
#include "kernel/syscall/ipc/ipc.h"
#include "kernel/syscall/machine/machine.h"
#include "kernel/syscall/memory/memory.h"
#include "kernel/syscall/process/processes.h"
#include "kernel/syscall/sockets/sockets.h"
#include "kernel/syscall/time/time.h"

namespace syscall {
namespace {

struct Table { Row rows[table_size]; };

template <size_t number>
consteval Row row() {
    if constexpr (requires { Call<number>::handler; }) return {entry<Call<number>::handler>, Call<number>::name};
    else return {};
}

template <size_t... number>
consteval Table all_rows(std::index_sequence<number...>) { return {{row<number>()...}}; }

constinit Table const rows = all_rows(std::make_index_sequence<table_size>());

}

constinit std::span<Row const, table_size> const table(rows.rows);

}
