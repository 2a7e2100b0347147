# SPDX-License-Identifier: GPL-2.0
#
# The plots of tenants that share a drive, one SVG: variables dir (data) and out
# (file).

set terminal svg size 1200,1500 font "Helvetica,14" background "white"
set output out
set datafile missing "?"
set multiplot layout 3,1
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key outside top center horizontal
set style fill solid 0.9 border -1
set boxwidth 0.9
set tmargin 5
set bmargin 4.5

set style data histograms
set style histogram clustered gap 1
set title "Two tenants of a throttled drive, 128 reads each: what the first one gets"
set ylabel "percent of all"
set yrange [0:100]
stats dir."/shares.dat" using 4 nooutput
if (exists("STATS_records") && STATS_records > 0) {
	asked = STATS_max
	set xlabel "first tenant : second tenant"
	plot dir."/shares.dat" using 2:xtic(1) title "no policy" lc rgb "#999999", \
	     "" using 3 title "fair, weights 3:1" lc rgb "#117733", \
	     asked with lines lw 2 dt 2 lc rgb "black" title "asked for"
} else {
	set multiplot next
}

set title "Latency of 8 reads in the foreground, alone and beside a flood of 128"
set xlabel ""
set ylabel "ms"
set logscale y
set yrange [1:*]
stats dir."/latency.dat" using 2 nooutput
if (exists("STATS_records") && STATS_records > 0) {
	set style histogram clustered gap 1 title offset 0,-0.5
	file = dir."/latency.dat"
	plot newhistogram "foreground by passthrough", \
	     file index 0 using 2:xtic(1) title "median" lc rgb "#88ccee", \
	     "" index 0 using 3 title "99 %" lc rgb "#4477aa", \
	     "" index 0 using 4 title "99.9 %" lc rgb "#cc6677", \
	     newhistogram "foreground by block requests", \
	     file index 1 using 2:xtic(1) notitle lc rgb "#88ccee", \
	     "" index 1 using 3 notitle lc rgb "#4477aa", \
	     "" index 1 using 4 notitle lc rgb "#cc6677"
} else {
	set multiplot next
}

unset logscale y
set logscale x
set title "Rate limits: what was measured of what was asked for"
set xlabel "commands a second asked for"
set ylabel "percent"
set yrange [*<90:110<*]
set xtics (1000, 2000, 5000, 10000, 20000, 50000)
stats dir."/rates.dat" using 1 nooutput
if (exists("STATS_records") && STATS_records > 0) {
	plot [800:60000] 95 with lines lw 1 dt 2 lc rgb "black" title "5 % off", \
	     105 with lines lw 1 dt 2 lc rgb "black" notitle, \
	     dir."/rates.dat" using 1:2 with linespoints lw 2 pt 7 lc rgb "#117733" title "passthrough", \
	     "" using 1:3 with linespoints lw 2 pt 5 lc rgb "#cc6677" title "polled passthrough", \
	     "" using 1:4 with linespoints lw 2 pt 9 lc rgb "#4477aa" title "block requests"
} else {
	set multiplot next
}
unset multiplot
