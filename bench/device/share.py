#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many of the performance suite's allocations on a device the pool served: share.py REPORT.json [DEVICE]

The report is that of `assay run --suite performance --filter device=cuda`. Every process of a workload says how often it allocated on its device and
how many of these the pool served without asking the driver; the row is over all of them. Exit code 1 when the bar is missed."""
import json
import sys

BAR = 95


def counted(metrics):
    """(allocations, served) over the processes of one workload."""
    of = {metric["name"]: metric["processes"] for metric in metrics}
    pairs = list(zip(of.get("pool_allocations", []), of.get("pool_served", [])))
    return sum(count for count, _ in pairs), sum(count * share for count, share in pairs)


def main(path, device="cuda"):
    with open(path, encoding="utf-8") as file:
        entries = [entry for entry in json.load(file)["benchmarks"] if entry["params"].get("device") == device]
    allocations, served, failed = 0, 0.0, 0
    for entry in entries:
        of, hits = counted(entry.get("metrics") or [])
        print(f"        {entry['name']}: {entry['status']}{f', {of:.0f} allocations, {of - hits:.0f} not from the pool' if of else ''}"
              f"{'' if entry['status'] == 'ok' else ': ' + str(entry['reason'])}")
        allocations, served, failed = allocations + of, served + hits, failed + (entry["status"] == "failed")
    if allocations == 0:
        print(f"no workload of {path} ran on {device}")
        return 77
    share = 100 * served / allocations
    met = share >= BAR and failed == 0
    print(f"{'met   ' if met else 'MISSED'}  {'suite: allocations that the pool served':<44} {f'>= {BAR}':>16} {share:12.4g} {'%':<9}  {allocations:.0f} of {len(entries)} workloads")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
