#!/usr/bin/python3
# cpus: 1 4
# timeout: 300
"""Thousands of processes leave no frame behind; a fork shares memory and copies what is written."""
from machine import Shell, harness


def test():
    with Shell(memory="1024M", limit=280) as machine:
        many = 20000 if harness.default_cpus() == 1 else 1500   # CPUs that share a host's wait for each other
        got = machine.values(f"/tests/workload storm {many}", 200)
        harness.expect_equal("programs executed", got["executed"], many)
        # Each CPU keeps objects of its own: with several, what lies where is a matter of chance. A leak would be megabytes.
        slack = 0 if harness.default_cpus() == 1 else 256
        harness.expect_true(f"free memory after the storm: {got}", abs(got["after"] - got["before"]) <= slack)
        got = machine.values("/tests/workload share")
        # 256 MiB are 128 leaf tables of 4 KiB; the rest is the child's own.
        harness.expect_true(f"fork took {got['fork_kib']} KiB: page tables only", got["fork_kib"] < 1024)
        harness.expect_equal("pages copied by the child", got["copied"], 100)
        harness.expect_equal("the parent's memory is as it was", got["unchanged"], 1)
        harness.expect_equal("pages copied when no one shares them", got["copied_alone"], 0)
        harness.expect_equal("pages reused in place", got["reused_alone"], 200)
        got = machine.values("/tests/workload damage 500", 120)
        harness.expect_equal("damaged programs tried", got["tried"], 500)
        harness.expect_true("most damaged programs are refused or die", got["refused"] + got["signalled"] > 200)
        machine.power_off()


harness.run(test)
