# SPDX-License-Identifier: GPL-2.0
#
# Gives counted addresses the names of functions and prints the table. Input:
# nvmesteer-bench's output, the lengths of BPF programs, and one sorted list
# of ADDRESS = NAME and ADDRESS PART COUNT.

function line(what, s, q, r, to)
{
	printf "%-40s %8.1f %8s %8.1f %8.1f\n", what, s,
	       irq ? sprintf("%.1f", q) : "-", r, s + q + r | to
}

function hex(text,    i, v)
{
	v = 0
	for (i = 1; i <= length(text); i++)
		v = v * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return v
}

FILENAME == ARGV[1] {
	if ($1 == "ios")
		ios = $2
	if ($1 == "irq")
		irq = $2
	if ($1 == "ticks") {
		ticks["submit"] = $2
		ticks["reap"] = $3
	}
	next
}
FILENAME == ARGV[2] {
	bytes[$1] = $2
	next
}
$2 == "=" {
	# Of names for one address the first that is no padding.
	if ($1 != at || name ~ /^__pfx_/)
		name = $3
	at = $1
	sub(/\.(part|isra|constprop|cold).*/, "", name)
	next
}
{
	n = name
	if ($1 !~ /^ffff/) {
		n = "user"
		# The loop that waits.
		if ($2 == "irq")
			next
	}
	if ((n in bytes) && n != "user" && hex(substr($1, 9)) - hex(substr(at, 9)) >= bytes[n])
		n = "bpf_trampoline"
	else if (n ~ /^bpf_prog_[0-9a-f]*_/)
		sub(/^bpf_prog_[0-9a-f]*_/, "bpf:", n)
	count[n " " $2] += $3
	names[n]
	sum[$2] += $3
}
END {
	if (!ios || !sum["submit"]) {
		print "profile: the trace is empty" >"/dev/stderr"
		exit 1
	}
	printf "%-40s %8s %8s %8s %8s\n", "FUNCTION", "SUBMIT", "IRQ", "REAP", "TOTAL"
	sort = "LC_ALL=C sort -k 1.69,1.77 -r -n"
	fflush()
	for (n in names) {
		s = count[n " submit"] / ios
		q = count[n " irq"] / ios
		r = count[n " reap"] / ios
		if (s + q + r >= least) {
			line(n, s, q, r, sort)
			continue
		}
		few_s += s
		few_q += q
		few_r += r
	}
	close(sort)
	line("(fewer than " least " each)", few_s, few_q, few_r, "cat")
	line("sum", sum["submit"] / ios, sum["irq"] / ios, sum["reap"] / ios, "cat")
	close("cat")
	printf "%-40s %8.1f %8s %8.1f\n", "by the time stamp counter",
	       ticks["submit"] / ios, "-", ticks["reap"] / ios
}
