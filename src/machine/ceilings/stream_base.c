/* SPDX-License-Identifier: MIT */
/* 16-byte vectors: SSE2 and NEON are in every 64-bit processor of theirs, so these need no flags. Elsewhere the compiler makes do. */
#define ISA base
#define BYTES 16
#if defined(__x86_64__)
#include <emmintrin.h>
#define KEEP(x) __asm__("" : "+x"(x))
#define STREAM(p, x) _mm_stream_pd((p), (__m128d)(x))
#define FENCE _mm_sfence()
#elif defined(__aarch64__)
#define KEEP(x) __asm__("" : "+w"(x))
#else
#define KEEP(x) __asm__("" : "+m"(x))
#endif
#include "machine/ceilings/stream_template.h"
