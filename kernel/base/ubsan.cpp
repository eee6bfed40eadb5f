// SPDX-License-Identifier: MIT
// What -fsanitize=undefined calls in debug builds: every undefined operation is a panic that names the place and the
// types. The structures are the compiler's (GCC libsanitizer ABI).
#include <base/format.h>
#include <base/panic.h>
#include <base/types.h>

namespace {

struct Location {
    char const* file;
    u32 line, column;
};

struct Type {
    u16 kind, info;
    char name[1];
};

struct Overflow { Location where; Type const* type; };
struct Shift { Location where; Type const *left, *right; };
struct OutOfBounds { Location where; Type const *array, *index; };
struct Mismatch { Location where; Type const* type; u8 log_alignment, kind; };
struct InvalidValue { Location where; Type const* type; };
struct Place { Location where; };
struct NonNull { Location where, attribute; int argument; };
struct InvalidBuiltin { Location where; u8 kind; };
struct Alignment { Location where, assumption; Type const* type; };

constexpr char const* access_names[] = {"load of", "store to", "reference to", "member access within", "member call on",
                                        "constructor call on", "downcast of", "downcast of", "upcast of", "cast to virtual base of",
                                        "non-null binding to", "dynamic operation on"};

/// Panics with the operation and its values: small integers are passed by value, wide ones by address.
[[noreturn]] void stop(Location const& where, char const* what, char const* type, u64 first = 0, u64 second = 0) {
    char text[256];
    base::BufferWriter out({text, sizeof text - 1});
    base::format_to(out, "undefined behaviour: {} {} ({:#x}, {:#x}) at {}:{}:{}", what, type, first, second, where.file, where.line, where.column);
    text[out.text().size()] = 0;
    base::panic(text);
}

[[noreturn]] void stop_mismatch(Mismatch const& data, u64 pointer) {
    char const* const access = data.kind < std::size(access_names) ? access_names[data.kind] : "access to";
    char text[256];
    base::BufferWriter out({text, sizeof text - 1});
    u64 const alignment = u64{1} << data.log_alignment;
    char const* const fault = pointer == 0 ? "null pointer" : pointer & (alignment - 1) ? "misaligned address" : "object too small";
    base::format_to(out, "undefined behaviour: {} {}: {} {:#x} at {}:{}:{}", access, &data.type->name[0], fault, pointer, data.where.file,
                    data.where.line, data.where.column);
    text[out.text().size()] = 0;
    base::panic(text);
}

}

extern "C" {

void __ubsan_handle_add_overflow(Overflow* d, u64 a, u64 b) { stop(d->where, "overflow of +", d->type->name, a, b); }
void __ubsan_handle_sub_overflow(Overflow* d, u64 a, u64 b) { stop(d->where, "overflow of -", d->type->name, a, b); }
void __ubsan_handle_mul_overflow(Overflow* d, u64 a, u64 b) { stop(d->where, "overflow of *", d->type->name, a, b); }
void __ubsan_handle_negate_overflow(Overflow* d, u64 a) { stop(d->where, "overflow of unary -", d->type->name, a); }
void __ubsan_handle_divrem_overflow(Overflow* d, u64 a, u64 b) { stop(d->where, "overflow of /", d->type->name, a, b); }
void __ubsan_handle_pointer_overflow(Place* d, u64 a, u64 b) { stop(d->where, "overflow of a pointer", "", a, b); }
void __ubsan_handle_shift_out_of_bounds(Shift* d, u64 a, u64 b) { stop(d->where, "shift of", d->left->name, a, b); }
void __ubsan_handle_out_of_bounds(OutOfBounds* d, u64 index) { stop(d->where, "index out of", d->array->name, index); }
void __ubsan_handle_type_mismatch_v1(Mismatch* d, u64 pointer) { stop_mismatch(*d, pointer); }
void __ubsan_handle_load_invalid_value(InvalidValue* d, u64 value) { stop(d->where, "invalid value of", d->type->name, value); }
void __ubsan_handle_vla_bound_not_positive(InvalidValue* d, u64 bound) { stop(d->where, "array bound of", d->type->name, bound); }
void __ubsan_handle_nonnull_arg(NonNull* d) { stop(d->where, "null argument", "", static_cast<u64>(d->argument)); }
void __ubsan_handle_nonnull_return_v1(Place*, Location* where) { stop(*where, "null returned", ""); }
void __ubsan_handle_builtin_unreachable(Place* d) { stop(d->where, "unreachable code reached", ""); }
void __ubsan_handle_missing_return(Place* d) { stop(d->where, "end of a function without return", ""); }
void __ubsan_handle_invalid_builtin(InvalidBuiltin* d) { stop(d->where, "zero given to a bit count", ""); }
void __ubsan_handle_float_cast_overflow(InvalidValue* d, u64 value) { stop(d->where, "float cast to", d->type->name, value); }
void __ubsan_handle_alignment_assumption(Alignment* d, u64 pointer, u64 alignment, u64) {
    stop(d->where, "alignment assumed of", d->type->name, pointer, alignment);
}

}
