/* SPDX-License-Identifier: MIT */
/*
 * One arithmetic kernel. Included once for each, with
 *   KERNEL            the function's name
 *   VECTOR, ELEMENT   register type and type of an accumulator's element
 *   ONE, ZERO         values of VECTOR
 *   STEP(acc, one)    the instruction, in asm, so that what is timed is what is named
 *   TO_DOUBLE(x)      value of an ELEMENT
 *   CHAINS            12 or 24 independent accumulators: latency times throughput of a multiply-add is 8 on Zen, 8-10 on Intel, 16 on big
 * ARM cores, and all must fit in the register file with ONE beside them TARGET            optional: a target attribute, for instructions
 * beyond the file's flags OTHER(acc, one)   optional: every second accumulator does this instead (multiply, beside the add, where there is
 * no fused one)
 */
#ifndef TARGET
#define TARGET
#endif
TARGET double KERNEL(uint64_t iterations) {
  VECTOR one = ONE;
  __asm__("" : "+" REGISTER(one));
  VECTOR a0 = ZERO, a1 = ZERO, a2 = ZERO, a3 = ZERO, a4 = ZERO, a5 = ZERO, a6 = ZERO, a7 = ZERO, a8 = ZERO, a9 = ZERO, a10 = ZERO,
         a11 = ZERO;
#if CHAINS == 24
  VECTOR b0 = ZERO, b1 = ZERO, b2 = ZERO, b3 = ZERO, b4 = ZERO, b5 = ZERO, b6 = ZERO, b7 = ZERO, b8 = ZERO, b9 = ZERO, b10 = ZERO,
         b11 = ZERO;
#endif
#ifndef OTHER
#define OTHER STEP
#endif
  for (uint64_t i = 0; i < iterations; i++) {
    STEP(a0, one);
    OTHER(a1, one);
    STEP(a2, one);
    OTHER(a3, one);
    STEP(a4, one);
    OTHER(a5, one);
    STEP(a6, one);
    OTHER(a7, one);
    STEP(a8, one);
    OTHER(a9, one);
    STEP(a10, one);
    OTHER(a11, one);
#if CHAINS == 24
    STEP(b0, one);
    OTHER(b1, one);
    STEP(b2, one);
    OTHER(b3, one);
    STEP(b4, one);
    OTHER(b5, one);
    STEP(b6, one);
    OTHER(b7, one);
    STEP(b8, one);
    OTHER(b9, one);
    STEP(b10, one);
    OTHER(b11, one);
#endif
  }
  VECTOR all[CHAINS] = {
    a0,
    a1,
    a2,
    a3,
    a4,
    a5,
    a6,
    a7,
    a8,
    a9,
    a10,
    a11,
#if CHAINS == 24
    b0,
    b1,
    b2,
    b3,
    b4,
    b5,
    b6,
    b7,
    b8,
    b9,
    b10,
    b11
#endif
  };
  ELEMENT elements[sizeof all / (sizeof(ELEMENT))];
  memcpy(elements, all, sizeof all);
  double sum = 0;
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) sum += (double)TO_DOUBLE(elements[i]);
  return sum;
}
#undef KERNEL
#undef VECTOR
#undef ELEMENT
#undef ONE
#undef ZERO
#undef STEP
#undef OTHER
#undef TO_DOUBLE
#undef TARGET
