# SPDX-License-Identifier: GPL-2.0
#
# The tables of tenants that share a drive, from the lines that tools/bench/render
# makes: who got how much of it, what a foreground waited for, and rates.

function rule(text)
{
	printf "\n%s\n%s\n", text, substr("-----------------------------------" \
	       "-------------------------------------------", 1, length(text))
}

function number(v, format)
{
	return v == "-" ? "-" : sprintf(format, v)
}

# Of two parts of a hundred, how many times the other one is.
function to_one(percent)
{
	if (percent == "-" || percent >= 100)
		return "-"
	return sprintf("%.2f:1", percent / (100 - percent))
}

$1 == "shares" {
	shares[++nr_shares] = sprintf("%-10s %-10s %-8s %9.0f %9.0f %8.1f %9s %9s",
				      $2, $4, $5, $6, $7, $8, to_one($8),
				      to_one($9))
}

# What is alone comes first.
$1 == "latency" && $4 == "-" {
	median[$2] = $11
	alone[$2] = $12
}

$1 == "latency" {
	latency[++nr_latency] = sprintf("%-10s %-9s %-8s %8.0f %8s %8.0f %8.0f %8.0f %6.1fx %6.1fx",
					$2, $4, $5, $6, number($7, "%.0f"),
					$11, $12, $13,
					median[$2] ? $11 / median[$2] : 0,
					alone[$2] ? $12 / alone[$2] : 0)
}

$1 == "rates" {
	if (!($10 in rated)) {
		rated[$10]
		rate[++nr_rates] = $10
	}
	got[$10, $2, $3] = sprintf("%.0f (%+.1f %%)", $6, 100 * $6 / $10 - 100)
}

END {
	if (nr_shares) {
		rule("Two tenants of a drive, 128 reads of 4 KiB each, weights 3:1")
		printf "%-10s %-10s %-8s %9s %9s %8s %9s %9s\n", "HEAVY",
		       "LIGHT", "POLICY", "HEAVY/S", "LIGHT/S", "HEAVY %",
		       "RATIO", "ASKED"
	}
	for (i = 1; i <= nr_shares; i++)
		print shares[i]
	if (nr_latency) {
		rule("8 reads of 4 KiB in the foreground, beside a flood of 128")
		printf "%-10s %-9s %-8s %8s %8s %8s %8s %8s %7s %7s\n",
		       "FOREGROUND", "FLOOD", "POLICY", "READS/S", "FLOOD/S",
		       "P50 US", "P99 US", "P99.9 US", "X P50", "X P99"
	}
	for (i = 1; i <= nr_latency; i++)
		print latency[i]
	if (nr_latency)
		print "X P50, X P99: how many times what the same foreground has alone."
	if (nr_shares || nr_latency)
		print "By the clock, on a drive that does 1000 commands a second of the machine's time."
	if (nr_rates) {
		rule("Limits of commands a second")
		printf "%9s %19s %19s %19s\n", "ASKED", "PASSTHROUGH",
		       "POLLED PASSTHROUGH", "BLOCK"
	}
	for (i = 1; i <= nr_rates; i++)
		printf "%9d %19s %19s %19s\n", rate[i],
		       got[rate[i], "passthru", "irq"],
		       got[rate[i], "passthru", "poll"],
		       got[rate[i], "block", "irq"]
	if (nr_rates)
		print "By the guest's clock, a nanosecond an instruction."
}
