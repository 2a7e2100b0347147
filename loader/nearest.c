// SPDX-License-Identifier: GPL-2.0
/*
 * Which of the words that exist is nearest to the one that was typed.
 */
#include <string.h>

#include "nvmesteer.h"

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (insert, delete, replace) that turn @a into @b. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[32], i, j, above, left;

	if (strlen(a) > 31 || strlen(b) > 31)
		return 32;
	for (j = 0; j <= strlen(b); j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		above = row[0];
		row[0] = i;
		for (j = 1; b[j - 1]; j++) {
			left = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1,
				      above + (a[i - 1] != b[j - 1]));
			above = left;
		}
	}
	return row[strlen(b)];
}

void nearest__init(struct nearest *n, const char *word)
{
	n->word = word;
	n->best = NULL;
	n->distance = 3;	/* farther is no help */
}

void nearest__try(struct nearest *n, const char *word)
{
	unsigned int d = distance(n->word, word);

	if (d < n->distance && d < strlen(word)) {
		n->distance = d;
		n->best = word;
	}
}
