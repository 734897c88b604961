/* SPDX-License-Identifier: MIT */
#include <immintrin.h>
#define ISA avx2
#define BYTES 32
#define KEEP(x) __asm__("" : "+x"(x))
#define STREAM(p, x) _mm256_stream_pd((p), (__m256d)(x))
#define FENCE _mm_sfence()
#include "machine/ceilings/stream_template.h"
