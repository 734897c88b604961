/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text, always with a point: a program that we are part of may have chosen a locale with a comma (setlocale), which C's own
 * functions follow. Everything that reads or writes a number with a fraction goes through here (tests/structure/sources.py).
 */
#ifndef ASSAY_BASE_NUMBER_H
#define ASSAY_BASE_NUMBER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/status.h>

/* As the functions of C that they are named after, in the locale "C". */
int assay_snprintf(char *out, size_t size, const char *format, ...) ASSAY_PRINTF(3, 4);
int assay_vsnprintf(char *out, size_t size, const char *format, va_list args) ASSAY_PRINTF(3, 0);
double assay_strtod(const char *text, char **end);

/* assay_tens[k] is 10^k: all that 64 bits hold. */
extern const uint64_t assay_tens[20];

enum { ASSAY_NUMBER_TEXT = 40 };
/* The shortest of 15 to 17 digits that reads back the same ("0.1", "1e-09", "nan"), and how long it is. */
size_t assay_write_double(double value, char out[ASSAY_NUMBER_TEXT]);

#endif
