# SPDX-License-Identifier: MIT
"""Commands for gdb that read Aubrac's own tables:  (gdb) source tools/gdb/aubrac.py
  aubrac threads    every program's threads, and each CPU's own: state, CPU, nice, times
  aubrac spaces     address spaces: page table, VMAs, resident pages, heap
  aubrac frames     free memory by block size, the CPUs' caches, counts
  aubrac runqueues  each CPU: who runs, who is ready, switches
  aubrac locks      locks that are held; debug builds know them all, release builds the well-known ones
The machine must be stopped; nothing is called in it, only memory is read. Needs the ELF with its debug information.
"""
import gdb


def u64_at(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def symbol(name):
    return gdb.parse_and_eval(f"'{name}'")


def address_of(value):
    return int(value.address)


def plain(value):
    """The value in a std::atomic or an Id; others as they are."""
    name = value.type.strip_typedefs().unqualified().name or ""
    if name.startswith("std::atomic<"):
        for field in ("_M_i", "_M_base", "_M_b"):
            try:
                inner = value[field]
            except gdb.error:
                continue
            return plain(inner) if field == "_M_base" else inner["_M_p"] if field == "_M_b" else inner
    if name.startswith("std::__atomic_base<"):
        return value["_M_i"]
    if name.startswith("Id<"):
        return value["value"]
    return value


def number(value):
    return int(plain(value))


def enumerator(value):
    return str(plain(value)).split("::")[-1]


def text(array):
    return bytes(gdb.selected_inferior().read_memory(address_of(array), array.type.sizeof)).split(b"\0")[0].decode("latin-1")


def offset_of(kind, member):
    """Of a member or a base class, in bytes; bases are searched too."""
    for field in kind.fields():
        if field.name == member:
            return field.bitpos // 8
        if field.is_base_class:
            inner = offset_of(field.type.strip_typedefs(), member)
            if inner is not None:
                return field.bitpos // 8 + inner
    return None


def object_at(address, kind):
    return gdb.Value(address).cast(kind.pointer()).dereference()


def in_list(list_value, kind, hook):
    """The objects of a base::List: its head is two words, next and previous, and a hook is the same."""
    head = address_of(list_value)
    node, seen = u64_at(head), 0
    while node not in (0, head) and seen < 100000:
        yield object_at(node - offset_of(kind, hook), kind)
        node, seen = u64_at(node), seen + 1


def lookup(name):
    return gdb.lookup_type(name)


class Kernel:
    """What the commands walk over."""

    def __init__(self):
        self.process = lookup("process::Process")
        self.user_thread = lookup("process::UserThread")
        self.thread = lookup("sched::Thread")

    def processes(self):
        table = symbol("process::process_manager")["pids_"]["buckets_"]
        first, size = address_of(table), table.type.sizeof
        words = gdb.selected_inferior().read_memory(first, size).tobytes()
        entry = lookup("process::PidEntry")
        base = offset_of(self.process, "process::PidEntry")
        found = {}
        for at in range(0, size, 8):
            pointer = int.from_bytes(words[at:at + 8], "little")
            while pointer:
                item = object_at(pointer, entry)
                if enumerator(item["entry_kind"]) == "Process":
                    found[number(item["entry_id"])] = object_at(pointer - base, self.process)
                pointer = int(item["next_in_bucket"])
        return sorted(found.items())

    def threads_of(self, process):
        return in_list(process["threads"], self.user_thread, "process_hook")

    def per_cpu(self, name):
        """[(CPU, its copy)] of a PerCpu variable."""
        variable = symbol(name)["value_"]
        offsets = symbol("arch::per_cpu_offsets")
        count = offsets.type.range()[1] + 1
        used = [(cpu, int(offsets[cpu])) for cpu in range(count)]
        # The boot CPU's distance may be 0; the others' are not.
        return [(cpu, object_at((address_of(variable) + distance) % 2**64, variable.type)) for cpu, distance in used if cpu == 0 or distance]

    def run_queues(self):
        return [(cpu, pointer.dereference()) for cpu, pointer in self.per_cpu("sched::run_queue") if int(pointer)]


def spin_lock_is_held(lock):
    return number(lock["next_"]) != number(lock["owner_"])


def name_of_thread(pointer):
    return text(pointer.dereference()["name"]) if int(pointer) else "-"


class Aubrac(gdb.Command):
    """Aubrac's tables: aubrac threads|spaces|frames|runqueues|locks"""

    def __init__(self):
        super().__init__("aubrac", gdb.COMMAND_DATA, prefix=True)


def row_of(thread, pid, tid):
    times = [int(thread[name]) // 1000000 for name in ("user_ns", "system_ns")]
    print(f"{pid:>6} {tid:>6} {enumerator(thread['state']):<10} {number(thread['cpu']):>3} {int(thread['own_']['nice']):>4} "
          f"{times[0]:>8} {times[1]:>8}  {text(thread['name'])}")


class Threads(gdb.Command):
    """Threads of programs, then each CPU's idle thread and reaper."""

    def __init__(self):
        super().__init__("aubrac threads", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        kernel = Kernel()
        print(f"{'pid':>6} {'tid':>6} {'state':<10} {'cpu':>3} {'nice':>4} {'user ms':>8} {'sys ms':>8}  name")
        count = 0
        for pid, process in kernel.processes():
            empty = True
            for thread in kernel.threads_of(process):
                row_of(thread, pid, number(thread["tid"]))
                count, empty = count + 1, False
            if empty:
                print(f"{pid:>6} {'-':>6} {enumerator(process['state'])}")
        for _, queue in kernel.run_queues():
            for role in ("idle", "reaper"):
                if int(queue[role]):
                    row_of(queue[role].dereference(), "-", role)
        print(f"{count} threads of {len(kernel.processes())} processes")


class Spaces(gdb.Command):
    """Address spaces."""

    def __init__(self):
        super().__init__("aubrac spaces", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        print(f"{'pid':>6} {'space':>18} {'VMAs':>5} {'anonymous':>9} {'file':>6} {'shared':>6} {'heap KiB':>8}  name")
        for pid, process in Kernel().processes():
            pointer = process["address_space"]["object_"]
            if not int(pointer):
                continue
            space = pointer.dereference()
            resident = [int(space["resident_"][i]) for i in range(3)]
            heap = (int(space["break_"]) - int(space["heap_start_"])) // 1024
            print(f"{pid:>6} {int(pointer):#18x} {int(space['vmas_']['count_']):>5} {resident[0]:>9} {resident[1]:>6} {resident[2]:>6} "
                  f"{heap:>8}  {text(process['name_'])}")


class Frames(gdb.Command):
    """Physical memory: the buddy lists and the CPUs' caches."""

    def __init__(self):
        super().__init__("aubrac frames", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        allocator = symbol("mm::frame_allocator")
        buddy = allocator["buddy_"]
        free = number(buddy["free_frames_"])
        print(f"frames: {int(allocator['total_frames_'])} in all, {free} in the lists")
        counted = 0
        heads = buddy["heads_"]
        for order in range(heads.type.range()[1] + 1):
            blocks, block = 0, heads[order]
            while int(block) and blocks < 1 << 22:
                blocks += 1
                block = block.dereference()["free"]["next"]
            counted += blocks << order
            if blocks:
                print(f"  {4 << order:>6} KiB: {blocks} blocks")
        print(f"  the lists hold {counted} frames" + ("" if counted == free else f", NOT the {free} that are counted"))
        try:
            caches = Kernel().per_cpu("mm::(anonymous namespace)::frame_cache")
        except gdb.error:
            return
        for cpu, cache in caches:
            print(f"  CPU {cpu}: {int(cache['count_'])} cached, {int(cache['allocations'])} allocations, {int(cache['releases'])} releases, "
                  f"{int(cache['failures'])} failures")


class RunQueues(gdb.Command):
    """Each CPU's run queue."""

    def __init__(self):
        super().__init__("aubrac runqueues", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        kernel = Kernel()
        for cpu, queue in kernel.run_queues():
            held = " (its lock is held)" if spin_lock_is_held(queue["lock"]) else ""
            idle = " (idle)" if int(queue["running"]) == int(queue["idle"]) else ""
            print(f"CPU {cpu}: {name_of_thread(queue['running'])}{idle} runs, {number(queue['ready'])} ready, {int(queue['switches'])} switches, "
                  f"user {int(queue['user_ns']) // 1000000} ms, system {int(queue['system_ns']) // 1000000} ms{held}")
            for member in ("realtime", "other"):
                try:
                    levels = queue[member]["lists_"]
                except gdb.error:
                    continue
                for level in range(levels.type.range()[1] + 1):
                    for thread in in_list(levels[level], kernel.thread, "run_hook"):
                        print(f"  {member} level {level}: {thread['number']} {text(thread['name'])}")


class Locks(gdb.Command):
    """Locks that are held now."""

    def __init__(self):
        super().__init__("aubrac locks", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        kernel = Kernel()
        held = 0
        if any("true" in (field.type.name or "") for field in kernel.thread.fields() if field.name == "held_locks"):
            for cpu, locks in kernel.per_cpu("arch::(anonymous namespace)::spin_locks"):
                held += self.show(f"CPU {cpu}", locks)
            for pid, process in kernel.processes():
                for thread in kernel.threads_of(process):
                    held += self.show(f"thread {number(thread['tid'])} {text(thread['name'])}", thread["held_locks"]["list"])
            print(f"{held} locks are held (debug build: all kinds)")
            return
        spin = [("process tree", symbol("process::tree_lock")), ("frame allocator", symbol("mm::frame_allocator")["lock_"])]
        spin += [(f"run queue of CPU {cpu}", queue["lock"]) for cpu, queue in kernel.run_queues()]
        for pid, process in kernel.processes():
            spin += [(f"signals of {pid}", process["signal_lock"]), (f"state of {pid}", process["state_lock"])]
            owner = plain(process["memory_limits_lock"]["core_"]["owner"])
            if int(owner):
                held += 1
                print(f"limits of {pid}: {name_of_thread(owner)}")
        for what, lock in spin:
            if spin_lock_is_held(lock):
                held += 1
                print(f"{what}: held, {number(lock['next_']) - number(lock['owner_']) - 1} CPUs wait")
        print(f"{held} locks are held, of {len(spin)} looked at (release build: the well-known ones)")

    @staticmethod
    def show(who, locks):
        count = int(locks["count"])
        for i in range(count):
            entry = locks["held"][i]
            print(f"{who}: {enumerator(entry['rank'])} at {int(entry['lock']):#x}")
        return count


for command in (Aubrac, Threads, Spaces, Frames, RunQueues, Locks):
    command()
