# SPDX-License-Identifier: GPL-2.0
#
# The plots of copies, one SVG: variables dir (data) and out (file).

set terminal svg size 1200,1700 font "Helvetica,14" background "white"
set output out
set datafile missing "?"
set multiplot layout 4,1
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key outside right center vertical
set logscale x 2
set yrange [0:*]

set title "Instructions to copy a MiB in ranges of 8 KiB (polled)"
set xlabel "ranges of a copy"
set ylabel "instructions"
set logscale y
set yrange [*:*]
stats dir."/copies.dat" using 1 nooutput
if (exists("STATS_records") && STATS_records > 0) {
	plot dir."/copies.dat" using 1:2 with linespoints lw 2 pt 7 lc rgb "#999999" title "plain loop", \
	     "" using 1:3 with linespoints lw 2 pt 7 lc rgb "#4477aa" title "best loop", \
	     "" using 1:4 with linespoints lw 2 pt 7 lc rgb "#cc6677" title "stock NVMe Copy", \
	     "" using 1:5 with linespoints lw 2 pt 7 lc rgb "#ddaa33" title "copyoff", \
	     "" using 1:6 with linespoints lw 2 pt 7 lc rgb "#117733" title "copyemu"
} else {
	set multiplot next
}

do for [boot in "clock slow"] {
	file = dir."/copytime-".boot.".dat"
	set title "Time of a copy of 8 KiB ranges".(boot eq "slow" ? \
		", on a drive that is slow at each command" : "")
	set ylabel "microseconds"
	stats file using 1 nooutput
	if (exists("STATS_records") && STATS_records > 0) {
		plot file using 1:2 with linespoints lw 2 pt 7 lc rgb "#ddaa33" title "copyoff", \
		     "" using 1:3 with linespoints lw 2 pt 7 lc rgb "#117733" title "copyemu", \
		     "" using 1:4 with points lw 2 pt 6 ps 2 lc rgb "black" title "copyauto"
	} else {
		set multiplot next
	}
}

unset logscale y
set yrange [0:*]
set y2range [0:*]
set y2tics
set title "4 KiB reads beside a large copy, by pieces of the copy under way"
set xlabel "max_depth"
set ylabel "reads a second"
set y2label "99th percentile, ms"
stats dir."/copydepth.dat" using 1 nooutput
if (exists("STATS_records") && STATS_records > 0) {
	plot dir."/copydepth.dat" using 1:8 with lines lw 1 dt 2 lc rgb "#999999" title "reads/s, no copy", \
	     "" using 1:2 with linespoints lw 2 pt 7 lc rgb "#117733" title "reads/s, copyemu", \
	     "" using 1:5 with linespoints lw 2 pt 7 lc rgb "#ddaa33" title "reads/s, copyoff", \
	     "" using 1:($3/1000) axes x1y2 with linespoints lw 1 pt 6 dt 3 lc rgb "#117733" title "p99, copyemu", \
	     "" using 1:($6/1000) axes x1y2 with linespoints lw 1 pt 6 dt 3 lc rgb "#ddaa33" title "p99, copyoff"
} else {
	set multiplot next
}
unset multiplot
