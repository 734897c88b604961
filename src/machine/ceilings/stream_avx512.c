/* SPDX-License-Identifier: MIT */
#include <immintrin.h>
#define ISA avx512
#define BYTES 64
#define KEEP(x) __asm__("" : "+v"(x))
#define STREAM(p, x) _mm512_stream_pd((p), (__m512d)(x))
#define FENCE _mm_sfence()
#include "machine/ceilings/stream_template.h"
