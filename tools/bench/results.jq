# SPDX-License-Identifier: GPL-2.0
#
# Rows as nvmesteer-bench printed them, one object a line, to the result file:
# adds to each what it is compared with. Arguments: $facts, lines KEY VALUE, and
# $tables, lines TABLE BOOT POLICY ROW.

# What identifies the stock passthrough row that a row is compared with: the
# same command, in the same boot, with nothing attached. NOP moves no data and
# the ioctl uses no ring.
def stock_key:
	(if .kind == "nop" then { bytes: 512, op: "read", fixed: true }
	 elif .kind == "ioctl" then { fixed: true }
	 else {} end) as $as
	| . + $as
	| [.boot, .op, .batch, .reap, .bytes, .poll, .fixed, .huge_pages]
	| tostring;

def is_stock: .kind == "passthru" and .policy == "none";

def hundredth: if . == null then null else . * 100 | round / 100 end;

($facts | split("\n") | map(select(. != "") | capture("^(?<key>[^ ]+) (?<value>.*)"))
	| from_entries) as $facts
| ($tables | split("\n") | map(select(. != "") | split(" "))
	| group_by(.[1:]) | map({ key: (.[0][1:] | join(" ")), value: map(.[0]) })
	| from_entries) as $tables
| map(del(.schema))
| (map(select(is_stock) | { key: stock_key, value: .insn_per_io })
	| from_entries) as $stock
| (map(select(is_stock) | { key: "\(.boot) \(.row)", value: .insn_per_io })
	| from_entries) as $same
| (map(select(is_stock and .boot == "stock")
	| { key: (.boot = "" | stock_key), value: .insn_per_io })
	| from_entries) as $modules
| map(
	. + {
		tables: $tables["\(.boot) \(.policy) \(.row)"],
		stock_insn_per_io: ($same["\(.boot) \(.row)"] // $stock[stock_key]),
		# For the driver without a policy: against the stock modules
		stock_modules_insn_per_io:
			(if is_stock then $modules[.boot = "" | stock_key]
			 else null end)
	}
	| .ratio = (if .stock_insn_per_io and .insn_per_io > 0
		    then .stock_insn_per_io / .insn_per_io * 1000 | round / 1000
		    else null end)
	| with_entries(if (.value | type) == "number" and .key != "ratio"
		       then .value |= hundredth else . end))
| {
	schema: "nvmesteer.bench/1",
	name: $facts.name,
	date: $facts.date,
	commit: $facts.commit,
	environment: ($facts | del(.name, .date, .commit, .rounds)),
	method: "instructions: median of \($facts.rounds) rounds, QEMU TCG -icount, one processor",
	rows: .
}
