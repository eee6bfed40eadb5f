// SPDX-License-Identifier: MIT
// /proc/sysvipc, which ipcs(1) reads: one line for each object, written by the object under its own lock.
#include <base/format.h>

#include "kernel/fs/procfs/procfs.h"
#include "kernel/ipc/messages.h"
#include "kernel/ipc/semaphores.h"
#include "kernel/ipc/shared_memory.h"
#include "kernel/ipc/system_v.h"

namespace ipc {
namespace {

template <auto& table>
Result<> write_table(base::Writer& out) {
    table.for_each([&](auto& object) { object.write_line(out); });
    return {};
}

Result<> write_messages(base::Writer& out) {
    out.write("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n");
    return write_table<message_queues>(out);
}

Result<> write_semaphores(base::Writer& out) {
    out.write("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    return write_table<semaphore_sets>(out);
}

Result<> write_segments(base::Writer& out) {
    out.write("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      "
              "ctime                   rss                  swap\n");
    return write_table<segments>(out);
}

struct Entry { std::string_view path; fs::ProcText text; };

constexpr Entry entries[] = {
    {"sysvipc/msg", write_messages},
    {"sysvipc/sem", write_semaphores},
    {"sysvipc/shm", write_segments},
};

}

Result<> register_system_v_entries() {
    for (Entry const& entry : entries) TRY(fs::procfs.add(entry.path, entry.text));
    return register_system_v_limits();
}

}
