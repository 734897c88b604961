/* SPDX-License-Identifier: MIT */
/*
 * What a driver's compiler made of our sources, kept between programs in the user's cache directory: compiling takes a second a file, and
 * every benchmark is a fresh process. An entry is found by a key over all that it depends on (device, driver, options, source) and carries
 * a checksum, since drivers do not survive damaged binaries. A cache that cannot be written costs time, nothing else. Thread-safe.
 */
#ifndef ASSAY_DEVICE_BINARY_CACHE_H
#define ASSAY_DEVICE_BINARY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `kind` is the folder: "opencl", "cuda". Free `*data` with assay_free. False: there is none, or it is damaged. */
bool assay_binary_cache_load(const char *kind, uint64_t key, char **data, size_t *length);
void assay_binary_cache_store(const char *kind, uint64_t key, const void *data, size_t length);

#endif
