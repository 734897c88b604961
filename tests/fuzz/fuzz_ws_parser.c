/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as frames, for a server or a client, with and without compression: what the parser hears is what the slow reading of the RFC
 * hears, in one piece and in others. First byte: role, compression, instruction set, size of the pieces; second: limits.
 */
#include "../unit/market/websocket/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static transcript expected, got;
  static const char *const variants[] = {"c", "avx2", "sse4.2", "neon"};
  if (size < 2) return 0;
  assay_ws_parser_options options = {
      .role = (assay_ws_role)(data[0] & 1), .compression = (data[0] & 2) != 0, .variant = variants[data[0] >> 2 & 3]};
  options.frame_limit = data[1] < 128 ? 1 << 20 : data[1];
  options.message_limit = options.frame_limit + 50;
  reference_parse(data + 2, size - 2, options.role, options.compression, options.frame_limit, options.message_limit, &expected);
  for (size_t piece = 0; piece < 2; piece++) {
    parser_transcript(data + 2, size - 2, &options, piece * (1 + (data[0] >> 4) * 5u), piece == 0 ? 64 : 1 + data[0] % 7, &got);
    if (!transcripts_agree(&expected, &got)) abort();
    transcript_clear(&got);
  }
  transcript_clear(&expected);
  return 0;
}
