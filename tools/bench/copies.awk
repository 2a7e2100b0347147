# SPDX-License-Identifier: GPL-2.0
#
# The tables of copies that are not like the others: with_details=1, what a
# MiB takes and whether that is what it is to be; else copies by the clock, and
# reads beside a copy.

function rule(text)
{
	printf "\n%s\n%s\n", text, substr("-----------------------------------" \
	       "-------------------------------------------", 1, length(text))
}

function number(v, format)
{
	return v == "-" ? "-" : sprintf(format, v)
}

# What of the time of @n copies that take @us and @m that take @more was lost
# to taking the slower way, percent.
function loss(n, us, m, more,    fast)
{
	if (!n || !m)
		return 0
	fast = us < more ? us : more
	return 100 * ((n * us + m * more) / ((n + m) * fast) - 1)
}

with_details {
	row[++rows] = $0
	if ($1 == "copyoff" || $1 == "copyemu") {
		k = $2 " " $3 " " $4
		if (!(k in better) || $5 < better[k])
			better[k] = $5
	}
	next
}

# What a copy is to be, and whether it is: what the kernel copies, polled for,
# so many times cheaper than a plain loop; what copyauto copies, almost as cheap
# as the better way; and none dearer than the cheapest loop.
function target(    times, k)
{
	k = $2 " " $3 " " $4
	if ($12 == "-" || $1 ~ / loop$/)
		return "-"
	if ($12 < 1)
		return "1x best: MISSED"
	if ($1 == "copyauto")
		return "1.05 of better: " \
		       ($5 <= 1.05 * better[k] ? "met" : "MISSED")
	times = $4 == 1 ? 3 : $4 >= 8 ? 8 : 1
	if ($11 != "emulate" || $3 == "irq" || times == 1)
		return "1x best: met"
	return times "x plain: " ($13 >= times ? "met" : "MISSED")
}

function copies_of_rows(    i)
{
	rule("Copies: what a MiB takes, and times cheaper than loops")
	printf "%-28s %5s %4s %4s %9s %9s %7s %6s %6s %6s %7s %7s  %-13s %s\n",
	       "", "KIB", "MODE", "R", "A COPY", "A MIB", "CMDS",
	       "CALLS", "IRQS", "DBS", "X BEST", "X PLAIN", "PATH", "TARGET"
	for (i = 1; i <= rows; i++) {
		$0 = row[i]
		printf "%-28s %5d %4s %4d %9.0f %9.0f %7s %6.1f %6.1f %6s %7s %7s  %-13s %s\n",
		       $1, $2, $3, $4, $5, $6, number($7, "%.1f"), $8, $9,
		       number($10, "%.1f"), number($12, "%.2f"),
		       number($13, "%.2f"), $11, target()
	}
}

$1 == "copytime" {
	k = $2 " " $4 " " $5
	if (!(k in line)) {
		line[k]
		order[++lines] = k
	}
	us[k, $3] = 1000000 / $6
	if ($3 == "copyauto") {
		share[k] = 100 * $10 / ($10 + $11)
		lost[k] = loss($10, $12, $11, $13)
	}
}

$1 == "copydepth" {
	if ($3 !~ /:/)
		$3 = $3 ($9 == "-" ? ", no copy" : ", its default")
	depths[++depth_lines] = sprintf("%-28s %10.0f %10.0f %10.0f %12s", $3,
					$6, $7, $8, number($9, "%.1f"))
}

END {
	if (rows)
		copies_of_rows()
	if (lines) {
		rule("Microseconds a copy, one after the other")
		printf "%-6s %5s %4s %10s %10s %10s %9s %11s %7s\n", "DRIVE",
		       "KIB", "R", "copyoff", "copyemu", "copyauto",
		       "TO BETTER", "% OFFLOADED", "% LOST"
	}
	for (i = 1; i <= lines; i++) {
		k = order[i]
		split(k, f, " ")
		best = us[k, "copyoff"]
		if (us[k, "copyemu"] < best)
			best = us[k, "copyemu"]
		printf "%-6s %5d %4d %10.0f %10.0f %10.0f %9.2f %11.1f %7.1f\n",
		       f[1], f[2], f[3], us[k, "copyoff"], us[k, "copyemu"],
		       us[k, "copyauto"],
		       best ? us[k, "copyauto"] / best : 0, share[k], lost[k]
	}
	if (depth_lines) {
		rule("4 KiB reads, 4 at a time, beside a copy")
		printf "%-28s %10s %10s %10s %12s\n", "", "READS/S", "P50 US",
		       "P99 US", "COPY MIB/S"
	}
	for (i = 1; i <= depth_lines; i++)
		print depths[i]
}
