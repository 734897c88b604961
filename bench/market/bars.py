#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trading's bars beside the figures measured now and beside the peers, all in one run.

    python3 bench/market/bars.py [BUILD_DIR] [--rounds N] [--cpu N]

Every round runs each program of BUILD/bench/market (market_*), pinned to one core unless it is about two (TWO_CORES); a row shows the medians over
the rounds. Exit code 1 when a bar is missed. A bar whose figure is not there says so and is missed.
"""
import argparse
import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("build", nargs="?", default="build")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None)
options = parser.parse_args()
folder = pathlib.Path(options.build).resolve() / "bench/market"
figures = collections.defaultdict(list)  # {what: [entries]}
absent = {}
missed = 0
# Both ends of a connection, which choose their cores themselves.
TWO_CORES = {"market_websocket"}


def pin():
    if options.cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.cpu})


def run(program):
    done = subprocess.run([program, "--json"], capture_output=True, text=True, preexec_fn=None if program.name in TWO_CORES else pin, timeout=900, check=False)
    if done.returncode != 0:
        print(f"        {program.name} ended with {done.returncode}: {done.stderr.strip()[-300:]}", flush=True)
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        if "absent" in entry:
            absent[entry["what"]] = entry["absent"]
        else:
            figures[entry["what"]].append(entry)


def median(what):
    return statistics.median(entry["value"] for entry in figures[what]) if what in figures else None


def note(what):
    return figures[what][-1].get("note", "") if what in figures else absent.get(what, "")


def text(value, unit):
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit.endswith("/s") and value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def row(name, bar, figure, met, beside=""):
    global missed
    missed += not met
    print(f"{'met   ' if met else 'MISSED'}  {name:<58} {bar:>14} {figure:>16}  {beside}", flush=True)


def limit(what, name, bar, unit, beside=""):
    """At least for rates, at most for the rest."""
    ours, rate = median(what), unit.endswith("/s")
    sign = ">=" if rate else "<="
    if ours is None:
        return row(name, f"{sign} {text(bar, unit)}", "not measured", False, note(what))
    row(name, f"{sign} {text(bar, unit)}", text(ours, unit), ours >= bar if rate else ours <= bar, "; ".join(filter(None, [beside, note(what)])))


def book():
    """The bars hold for the worst regime, so each has its rows."""
    for regime in ("static", "normal", "swinging", "trending", "crash", "sparse"):
        what = f"book_{regime}"
        ours, theirs = median(what), median(f"{what}_map")
        beside = f"std::map and lists {text(theirs, 'msg/s')} ({ours / theirs:.2g}x)" if ours and theirs else note(f"{what}_map")
        limit(what, f"matching, {regime}", 16.5e6 if regime == "sparse" else 33e6, "msg/s", beside)
        if single := median(f"{what}_single"):
            print(f"        matching, {regime}, one message a call: {text(single, 'msg/s')}")
        if regime == "sparse":
            continue
        for part, bar in (("p50", 40), ("p99", 150), ("p999", 1000)):
            limit(f"{what}_{part}", f"matching, {regime}: {part.replace('999', '99.9')} of a message, with the timer", bar, "ns")


def feeds():
    limit("itch_event", "ITCH, a message as an event", 2.5, "ns/message", f"next and one field {text(median('itch_view'), 'ns')}" if median("itch_view") else "")
    limit("itch_book", "ITCH -> book, 8 symbols with 2,000 orders each", 30, "ns/message")
    limit("json_trade", "JSON, a trade", 40, "ns/trade")
    limit("json_depth_number", "JSON, a number of a depth update", 6, "ns/number")


def websocket():
    def frame(what, name, bar=None):
        ours, theirs = median(what), median(f"{what}_wslay")
        beside = f"wslay {text(theirs, 'ns')} ({theirs / ours:.3g}x)" if ours and theirs else "wslay is not installed (libwslay-dev)"
        if bar is not None:
            limit(what, name, bar, "ns", beside)
        elif ours is not None:
            print(f"        {name}: {text(ours, 'ns')}; {beside}; {note(what)}")

    frame("ws_parse_64_masked", "WebSocket frame, 64 B masked", 7)
    frame("ws_parse_1k_masked_binary", "WebSocket frame, 1 KB masked binary", 30)
    frame("ws_parse_1k_masked_text", "WebSocket frame, 1 KB masked text (JSON)", 60)
    frame("ws_parse_1k_masked_mixed_text", "the same, of which a third of the characters have several bytes")
    limit("ws_round_trip_spinning", "WebSocket round trip, 64 B, both ends spinning", 7, "us")
    # Two measurements of one thing differ by some per cent on a machine that others use too.
    limit("ws_round_trip_spinning_of_tcp", "the same, of bare TCP's", 1.05, "ratio")
    limit("ws_round_trip_blocking_of_tcp", "WebSocket round trip, 64 B, loops that sleep, of bare TCP's", 1, "ratio", note("ws_round_trip_blocking"))
    # No bar: bare TCP that waits in epoll, as whoever has many connections must, is its floor.
    if median("ws_round_trip_asleep_of_tcp") is not None:
        print(f"        the same without patience, of bare TCP's: {median('ws_round_trip_asleep_of_tcp'):.3g}; {note('ws_round_trip_asleep_of_tcp')}")


def backtest():
    """The plain loop is what one writes first; it keeps three metrics, ours all of them."""
    def plain(what):
        ours, theirs = median(what), median(what.rsplit("_", 1)[0] + "_plain" if what != "backtest_cross" else "backtest_cross_plain")
        return f"plain loop {text(theirs, figures[what][0]['unit'])} ({ours / theirs:.2g}x)" if ours and theirs else ""

    limit("backtest_cross", "backtest of a moving-average cross, one core", 50e6, "bars/s", plain("backtest_cross"))
    wall = median("backtest_sweep_two_wall")
    limit("backtest_sweep_two", "sweep of such crosses, two cores", 200e6, "bar-configurations/s",
          "; ".join(filter(None, [f"{text(wall, 'bar-configurations/s')} on the wall" if wall else "", plain("backtest_sweep_two")])))
    limit("portfolio_mark_100", "portfolio of 100 positions at new prices", 1000, "ns")


def the_rest(shown):
    for what in sorted(set(figures) - shown):
        print(f"        {what}: {text(median(what), figures[what][0]['unit'])}  {note(what)}")


programs = [path for path in sorted(folder.glob("market_*")) if path.is_file() and os.access(path, os.X_OK)]
for number in range(options.rounds):
    for program in programs:
        run(program)
print(f"Trading: medians of {options.rounds} rounds on core {options.cpu}, load {os.getloadavg()[0]:.1f}", flush=True)
book()
feeds()
websocket()
backtest()
the_rest(({name for name in figures if name.startswith(("book_", "ws_parse_"))} | {"ws_round_trip_spinning", "ws_round_trip_spinning_of_tcp", "ws_round_trip_blocking_of_tcp", "ws_round_trip_asleep_of_tcp"}
          | {"backtest_cross", "backtest_sweep_two", "backtest_sweep_two_wall", "portfolio_mark_100"}) - {"book_timer", "book_journal", "book_instructions"})
sys.exit(1 if missed else 0)
