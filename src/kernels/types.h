/* SPDX-License-Identifier: MIT */
/* The numbers that params structs are made of, for host code (kernels have them from the dialect). */
#ifndef ASSAY_KERNELS_TYPES_H
#define ASSAY_KERNELS_TYPES_H

#include <stdint.h>

typedef uint32_t u32;
typedef int32_t i32;
typedef uint64_t u64;
typedef int64_t i64;

#endif
