/* SPDX-License-Identifier: MIT */
/* Copies within the host's memory: large ones by all threads, and past the caches, which they would only empty. */
#ifndef ASSAY_DEVICE_CPU_COPY_H
#define ASSAY_DEVICE_CPU_COPY_H

#include <stddef.h>

#include "device/cpu/threads.h"

/* Ranges do not overlap. */
void assay_cpu_copy(assay_threads *threads, void *to, const void *from, size_t bytes);
/* Asks for huge pages where there is room for some, so that fewer addresses have to be translated; best effort. */
void assay_cpu_ask_for_huge_pages(void *memory, size_t bytes);

#endif
