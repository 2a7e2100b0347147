# SPDX-License-Identifier: GPL-2.0
#
# The tables a person reads, from the lines that tools/bench/render makes: a
# table's batches (or how many are reaped at a time) side by side; queue depth
# and the stock modules have forms of their own. With with_details=1 instead a
# line for each figure, with all that it is made of.

BEGIN {
	title["ways"] = "The ways there are"
	title["policies"] = "Each policy"
	title["rare"] = "Commands that are rare, 200 ms apart"
	title["buffers"] = "Buffers"
	title["groups"] = "Command groups, one of b commands"
	title["reap"] = "32 submitted together, some reaped at a time"
	title["depth"] = "Queue depth, 4 KiB reads"
	title["block"] = "Block requests"
	title["path"] = "Without the multipath head"
	title["stock"] = "Nothing attached: the distribution's modules and ours"
	width = 36
	title["iommu"] = "With an IOMMU"
	title["copies"] = "Copies of r ranges, and how many times cheaper " \
			  "than the best loop"
}

function cell(t, i)
{
	if (!(i in insn))
		return sprintf("%16s", "-")
	if (t == "block")
		return sprintf("%8.0f %7s", insn[i],
			       extra[i] == "-" ? "-" : sprintf("%+.0f", extra[i]))
	if (ratio[i] == "-")
		return sprintf("%8.0f %7s", insn[i], "-")
	return sprintf("%8.0f %5.2fx%s", insn[i], ratio[i],
		       ratio[i] < 0.995 ? "<" : " ")
}

function unit(t)
{
	return t == "reap" ? "reap=" : t == "copies" ? "r=" : "b="
}

function rule(text)
{
	printf "\n%s\n%s\n", text, substr("-----------------------------------" \
	       "-------------------------------------------", 1, length(text))
}

# Numeric order: columns are few.
function sort_columns(t,    i, j, x, n)
{
	n = ncol[t]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && col[t, j] + 0 < col[t, j - 1] + 0; j--) {
			x = col[t, j]
			col[t, j] = col[t, j - 1]
			col[t, j - 1] = x
		}
}

function heading(t, last,    c)
{
	printf "%-*s", width, ""
	for (c = 1; c <= ncol[t]; c++)
		printf " %*s", last, unit(t) col[t, c]
	printf "\n"
}

function table(t,    l, c, i)
{
	heading(t, 16)
	for (l = 1; l <= nline[t]; l++) {
		printf "%-*s", width, line[t, l]
		for (c = 1; c <= ncol[t]; c++)
			printf " %s", cell(t, t SUBSEP line[t, l] SUBSEP col[t, c])
		printf "\n"
	}
}

function rule_of_details()
{
	printf "%-*s %10s %7s %6s %6s %6s %6s %6s %6s\n", width + 7, "PER I/O",
	       "SUBMIT", "IRQ", "REAP", "CALLS", "IRQS", "SQDBS", "CQDBS",
	       "SPREAD"
}

function details(t,    l, c, i, k)
{
	rule_of_details()
	for (l = 1; l <= nline[t]; l++) {
		k = line[t, l]
		for (c = 1; c <= ncol[t]; c++) {
			i = t SUBSEP k SUBSEP col[t, c]
			if (i in insn)
				printf "%-*s %6s %s\n", width, k, \
				       unit(t) col[t, c], more[i]
		}
	}
}

# The distribution's modules, ours with nothing attached, and the difference.
function hooks(t,    l, c, i, k, base)
{
	width = 52
	heading(t, 10)
	for (l = 1; l <= nline[t]; l++) {
		k = line[t, l]
		if (k !~ / stock$/)
			continue
		base = k
		sub(/ stock$/, " head", k)
		row_of(t, base, "distribution's modules", insn, "%11.1f")
		row_of(t, k, "ours, nothing attached", insn, "%11.1f")
		row_of(t, k, "difference", extra, "%+11.1f")
	}
}

function row_of(t, k, what, from, format,    c, i)
{
	printf "%-28s%-*s", substr(k, 10, length(k) - 14), width - 28, what
	for (c = 1; c <= ncol[t]; c++) {
		i = t SUBSEP k SUBSEP col[t, c]
		if (i in from)
			printf format, from[i]
		else
			printf "%11s", "-"
	}
	printf "\n"
}

function value(what, d,    i)
{
	i = "depth" SUBSEP at[what, d] SUBSEP d
	return (i in insn) ? sprintf("%.0f", insn[i]) : "-"
}

function depth(    c, d, sync, i)
{
	printf "%-6s %10s %10s %10s %10s %8s\n", "QD", "Sync-PT", "io_uring",
	       "Async-PT", "steered", "ratio"
	sync = value("ioctl", 1)
	for (c = 1; c <= ncol["depth"]; c++) {
		d = col["depth", c]
		i = "depth" SUBSEP at["ring", d] SUBSEP d
		printf "%-6s %10s %10s %10s %10s %8s\n", d, sync,
		       value("block", d), value("stock", d), value("ring", d),
		       (i in insn) ? sprintf("%.2fx%s", ratio[i],
					     ratio[i] < 0.995 ? "<" : "") : "-"
	}
	print "Instructions per I/O, polled, registered buffers. Sync-PT is the ioctl, which has"
	print "no depth; Async-PT is stock passthrough, steered is the policy ring."
}

{
	boots = $1 == "iommu" || $1 == "stock"
	k = sprintf("%-8s %4s %-5s %s%s", $2, $3, $4, $5, boots ? " " $17 : "")
	if (length(k) >= width)
		width = length(k) + 1
	if (!($1 in nline)) {
		order[++tables] = $1
		nline[$1] = 0
	}
	if (!(($1, k) in seen)) {
		seen[$1, k]
		line[$1, ++nline[$1]] = k
	}
	if (!(("c", $1, $6) in seen)) {
		seen["c", $1, $6]
		col[$1, ++ncol[$1]] = $6
	}
	i = $1 SUBSEP k SUBSEP $6
	at[$2, $6] = $1 == "depth" ? k : at[$2, $6]
	insn[i] = $7
	ratio[i] = $8
	extra[i] = $16
	more[i] = sprintf("%10.0f %7s %6.0f %6.2f %6.2f %6s %6s %6.0f", $9,
			  $10 == "-" ? "-" : sprintf("%.0f", $10), $11, $12, $13,
			  $14 == "-" ? "-" : sprintf("%.2f", $14),
			  $15 == "-" ? "-" : sprintf("%.2f", $15), $18)
}

END {
	for (n = 1; n <= tables; n++) {
		t = order[n]
		sort_columns(t)
		rule(t in title ? title[t] : t)
		if (with_details)
			details(t)
		else if (t == "depth")
			depth()
		else if (t == "stock")
			hooks(t)
		else
			table(t)
		if (t == "block" && !with_details)
			print "With each what the least round takes more: of a policy than with none in the same\n" \
			      "boot, of none (nothing attached) than by the distribution's modules (stock)."
	}
}
