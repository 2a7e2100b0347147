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
	| [.boot, .op, .batch, .reap, .bytes, .poll, .fixed, .huge_pages, .rare]
	| tostring;

# Copies: by whose loop, and in what, are they compared.
def copy_key: [.boot, .bytes, .ranges, .poll, .wait] | tostring;

# What a policy was told, of POLICY:NAME=VALUE:...
def told(name): [.policy | split(":")[] | select(startswith(name + "="))
	| split("=")[1] | tonumber] | first // null;

# Tenants of a drive: what part of it the first one got and was to get, and what
# rate there was to be.
def shares:
	if .beside_iops and (.beside | test("copy,") | not) then
		.share_percent = 100 * .iops / (.iops + .beside_iops)
	else . end
	| told("shares.3.weight") as $a | told("shares.4.weight") as $b
	| if $a and $b then .asked_share_percent = 100 * $a / ($a + $b) else . end
	| told("shares.2.iops") as $rate
	| if $rate then .asked_iops = $rate else . end;

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
# The cheapest loop there is, and one as programs have it: plain pages, a write
# for each range.
| (map(select(.kind == "loop" or .kind == "blockloop")) | group_by(copy_key)
	| map({ key: (.[0] | copy_key), value: (map(.insn_per_io) | min) })
	| from_entries) as $best_loop
| (map(select(.kind == "loop" and .merge == false and .huge_pages == false)
	| { key: copy_key, value: .insn_per_io }) | from_entries) as $plain_loop
| (map(select(is_stock and .boot == "stock")
	| { key: (.boot = "" | stock_key), value: .insn_per_io })
	| from_entries) as $modules
| (map(select(.kind == "block" and .policy == "none")
	| { key: "\(.boot) \(.row)", value: .least_insn_per_io })
	| from_entries) as $block
| map(
	. + {
		tables: $tables["\(.boot) \(.policy) \(.row)" +
				(if .beside then "+\(.beside)" else "" end)],
		stock_insn_per_io:
			(if .op == "copy" then $best_loop[copy_key]
			 else $same["\(.boot) \(.row)"] // $stock[stock_key] end),
		# For the driver without a policy: against the stock modules
		stock_modules_insn_per_io:
			(if is_stock then $modules[.boot = "" | stock_key]
			 else null end),
		# Block requests: the least with nothing attached in the same
		# boot, and of that the stock modules'
		unsteered_least_insn_per_io:
			(if .kind != "block" then null
			 elif .policy == "none" then $block["stock \(.row)"]
			 else $block["\(.boot) \(.row)"] end)
	}
	| .ratio = (if .stock_insn_per_io and .insn_per_io > 0
		    then .stock_insn_per_io / .insn_per_io * 1000 | round / 1000
		    else null end)
	| if .op == "copy" and .insn_per_io then
		.plain_loop_ratio = (if $plain_loop[copy_key]
			then $plain_loop[copy_key] / .insn_per_io * 1000
			     | round / 1000
			else null end)
	  else . end
	| shares
	| with_entries(if (.value | type) == "number" and
			  (.key | endswith("ratio") | not)
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
