/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a request, an answer, an address, or compressed: nothing is read beyond its end, what is accepted is what RFC 6455 asks for,
 * and inflating in pieces is inflating at once. The first byte says which.
 */
#include <stdlib.h>
#include <string.h>

#include "market/websocket/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(char *text, size_t size) {
  assay_ws_head head;
  const char *why = NULL;
  unsigned status = assay_ws_read_request(text, size, &head, &why);
  if ((status == 0) != (why == NULL)) abort();
  if (status != 0) return;
  if (head.path[0] != '/' || strlen(head.key) != 24 || head.version != 13 || head.host[0] == '\0') abort();
  static const char *const protocols[] = {"trades", "depth", NULL};
  const char *chosen = assay_ws_choose_protocol(head.protocols, protocols);
  if (chosen != NULL && strstr(head.protocols, chosen) == NULL) abort();
  (void)assay_ws_origin_allowed(head.origin, NULL);
  assay_ws_compression ours = {.on = true, .server_window_bits = 12};
  assay_ws_agreement agreement = assay_ws_accept_offer(head.extensions, &ours);
  if (!agreement.on) return;
  if (agreement.server_bits < 9 || agreement.server_bits > 12 || agreement.client_bits < 8 || agreement.client_bits > 15) abort();
  assay_buf out = {0};
  assay_ws_put_agreement(&out, &agreement);
  assay_ws_agreement read;
  assay_ws_compression asked = {.on = true, .server_window_bits = 12, .strict = true};
  if (!assay_ws_read_agreement(out.data, &asked, &read) || read.server_bits != agreement.server_bits) abort();
  assay_buf_deinit(&out);
}

static void answer(char *text, size_t size) {
  assay_ws_head head;
  const char *why = NULL;
  assay_ws_agreement agreement;
  assay_ws_compression on = {.on = true};
  if (assay_ws_read_answer(text, size, &head, &why) != 0) return;
  if (head.accept == NULL || head.status != 101) abort();
  (void)assay_ws_read_agreement(head.extensions, &on, &agreement);
}

static void inflate_both_ways(const uint8_t *data, size_t size, size_t piece) {
  enum { LIMIT = 1 << 16 };
  assay_ws_agreement agreement = {.on = true, .server_bits = 15, .client_bits = 15};
  assay_ws_deflate *once = NULL, *pieces = NULL;
  assay_ws_bytes a = {0}, b = {0};
  if (assay_ws_deflate_load(NULL) != ASSAY_OK) return;
  if (assay_ws_deflate_create(ASSAY_WS_SERVER, &agreement, 1, NULL, &once) != ASSAY_OK ||
      assay_ws_deflate_create(ASSAY_WS_SERVER, &agreement, 1, NULL, &pieces) != ASSAY_OK)
    abort();
  unsigned first = assay_ws_inflate(once, data, size, true, LIMIT, &a), second = 0;
  size_t at = 0;
  do {
    size_t count = size - at < piece ? size - at : piece;
    second = assay_ws_inflate(pieces, data + at, count, at + count == size, LIMIT, &b);
    at += count;
  } while (second == 0 && at < size);
  if (first != second) abort();
  if (first == 0 && (a.length != b.length || a.length > LIMIT || (a.length > 0 && memcmp(a.data, b.data, a.length) != 0))) abort();
  /* And back. */
  if (first == 0 && a.length > 0) {
    assay_ws_bytes packed = {0}, plain = {0};
    assay_ws_deflate *other = NULL;
    if (assay_ws_deflate_create(ASSAY_WS_CLIENT, &agreement, 6, NULL, &other) != ASSAY_OK ||
        !assay_ws_compress(other, a.data, a.length, &packed))
      abort();
    assay_ws_deflate_destroy(pieces);
    if (assay_ws_deflate_create(ASSAY_WS_SERVER, &agreement, 1, NULL, &pieces) != ASSAY_OK) abort();
    if (assay_ws_inflate(pieces, packed.data, packed.length, true, LIMIT, &plain) != 0 || plain.length != a.length ||
        memcmp(plain.data, a.data, a.length) != 0)
      abort();
    assay_ws_deflate_destroy(other);
    assay_ws_bytes_deinit(&packed);
    assay_ws_bytes_deinit(&plain);
  }
  assay_ws_deflate_destroy(once);
  assay_ws_deflate_destroy(pieces);
  assay_ws_bytes_deinit(&a);
  assay_ws_bytes_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > 1 << 16) return 0;
  char *text = malloc(size); /* of its exact size without the first byte, and one more for a URL's end */
  if (text == NULL) abort();
  memcpy(text, data + 1, size - 1);
  text[size - 1] = '\0';
  assay_ws_url url;
  switch (data[0] % 4) {
    case 0: request(text, size - 1); break;
    case 1: answer(text, size - 1); break;
    case 2: (void)assay_ws_url_parse(text, NULL, &url); break;
    default: inflate_both_ways(data + 1, size - 1, 1 + data[0] / 4); break;
  }
  free(text);
  return 0;
}
