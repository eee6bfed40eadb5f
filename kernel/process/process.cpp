// SPDX-License-Identifier: MIT
// Construction and destruction of Process and UserThread, and what others may read of them. Whatever another thread may replace
// (tables, credentials, the address space) is handed out as a reference or a copy, taken under its lock.
#include "kernel/process/process.h"

#include <algorithm>

#include <asm/resource.h>

#include "kernel/process/process_manager.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace process {

MM_OBJECT_CACHE_DEFINE(Process)
MM_OBJECT_CACHE_DEFINE(UserThread)
MM_OBJECT_CACHE_DEFINE(SignalHandlers)
MM_OBJECT_CACHE_DEFINE(ProcessGroup)
MM_OBJECT_CACHE_DEFINE(Session)

Remains::~Remains() {
    delete group;
    delete session;
}

UserThread::UserThread(Ref<Process> process) : PidEntry(PidKind::Thread), process_(std::move(process)) {
    shared_usage = &process_->shared_usage;
    process_share_group = &process_->share_group;
}

constinit base::FromAbove<void(sched::Timer&)> ProcessTimers::RealTimer::rings;

Process::Process() : PidEntry(PidKind::Process) {}

Process::~Process() { DEBUG_ASSERT(threads.empty() && children.empty() && zombies.empty()); }

void Process::swap_payer(Ref<fs::User>& other) {
    std::swap(payer, other);
    share_group.store(sched::share_group_of(fs::user_or_root(payer).uid()), std::memory_order_relaxed);
}

Ref<mm::AddressSpace> Process::copy_address_space() const {
    Locked guard(state_lock);
    return address_space;
}

Ref<fs::DescriptorTable> Process::copy_descriptors() const {
    Locked guard(state_lock);
    return first_threads(&UserThread::descriptors, guard);
}

Ref<fs::SharedContext> Process::copy_names() const {
    Locked guard(state_lock);
    return first_threads(&UserThread::names, guard);
}

mm::AddressSpaceLimits Process::memory_limits() const {
    Locked guard(limits_lock);
    return {limits[RLIMIT_AS].soft, limits[RLIMIT_DATA].soft, limits[RLIMIT_STACK].soft};
}

fs::Credentials Process::copy_credentials() const {
    Locked guard(credentials_lock);
    return credentials;
}

Ref<fs::User> Process::copy_user() const {
    Locked guard(credentials_lock);
    return credentials.user;
}

void Process::release_vfork_parent() {
    if (vfork_done.exchange(true, std::memory_order_release)) return;
    vfork_wait.wake_all();
}

void Process::set_name(std::string_view text) {
    size_t const length = std::min(text.size(), sizeof name_ - 1);
    std::copy_n(text.data(), length, name_);
    std::fill(name_ + length, name_ + sizeof name_, '\0');
}

bool Process::has_several_threads() const {
    Locked guard(signal_lock);
    return thread_count > 1;
}

ResourceUsage Process::total_usage() const {
    Locked guard(signal_lock);
    return total_usage_locked();
}

ResourceUsage Process::total_usage_locked() const {
    ResourceUsage total;
    total.max_resident_kib = usage.max_resident_kib;
    sched::scheduler.account_together(shared_usage, total.user_ns, total.system_ns);
    // The sum is exact. Time since the last tick counts for the mode that the tick found: no part goes back, no time is in both.
    u64 const sum = std::max(total.user_ns + total.system_ns, told_user_ns + told_system_ns);
    total.user_ns = told_user_ns = std::clamp(total.user_ns, told_user_ns, sum - told_system_ns);
    total.system_ns = told_system_ns = sum - total.user_ns;
    total.voluntary = shared_usage.voluntary_switches.load(std::memory_order_relaxed);
    total.involuntary = shared_usage.involuntary_switches.load(std::memory_order_relaxed);
    total.minor_faults = shared_usage.minor_faults.load(std::memory_order_relaxed);
    return total;
}

ResourceUsage Process::usage_with_memory() const {
    ResourceUsage total = total_usage();
    if (Ref<mm::AddressSpace> const space = copy_address_space()) total.add_peak(*space);
    return total;
}

void ResourceUsage::add_peak(mm::AddressSpace const& space) {
    max_resident_kib = std::max(max_resident_kib, space.statistics().peak_resident_pages * (page_size / kib));
}

void ResourceUsage::add(ResourceUsage const& other) {
    user_ns += other.user_ns;
    system_ns += other.system_ns;
    minor_faults += other.minor_faults;
    major_faults += other.major_faults;
    voluntary += other.voluntary;
    involuntary += other.involuntary;
    max_resident_kib = std::max(max_resident_kib, other.max_resident_kib);
}

void ResourceUsage::add(sched::Thread const& thread) {
    u64 user = 0, system = 0;
    sched::scheduler.account(thread, user, system);
    user_ns += user;
    system_ns += system;
    voluntary += thread.voluntary_switches;
    involuntary += thread.involuntary_switches;
    minor_faults += thread.minor_faults;
}

Result<mm::Owned<UserThread>> UserThread::create(Ref<Process> process) {
    mm::Owned<UserThread> thread(TRY(mm::make<UserThread>(std::move(process))));
    thread->stack = TRY(mm::kernel_space.allocate_stack());
    u64 const area = align_down(thread->stack.top() - arch::fpu_area_size(), 64);
    thread->context.fpu = reinterpret_cast<arch::FpuArea*>(area);
    thread->context.kernel_stack_top = area;
    thread->start_time_ns = sched::clock.monotonic_ns();
    return thread;
}

void UserThread::on_terminated() { delete this; }

}
