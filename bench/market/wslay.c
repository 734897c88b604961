/* SPDX-License-Identifier: MIT */
/* The same frames through wslay, fed from memory, unbuffered as far as it goes: its event-based interface, as its users take it. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <wslay/wslay.h>

#include <stdio.h>

#include "figure.h"
#include "ws_frames.h"

typedef struct source {
  const uint8_t *bytes;
  size_t length, at, messages;
} source;

static ssize_t take(wslay_event_context_ptr context, uint8_t *out, size_t length, int flags, void *user) {
  (void)flags;
  source *s = user;
  size_t left = s->length - s->at, count = left < length ? left : length;
  if (count == 0) {
    wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  memcpy(out, s->bytes + s->at, count);
  s->at += count;
  return (ssize_t)count;
}

static void message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *arg, void *user) {
  (void)context;
  (void)arg;
  ((source *)user)->messages++;
}

int main(void) {
  static uint8_t bytes[WS_FRAMES_BYTES];
  struct wslay_event_callbacks callbacks = {.recv_callback = take, .on_msg_recv_callback = message};
  for (int kind = 0; kind < WS_FRAMES_KINDS; kind++) {
    source s = {.bytes = bytes};
    size_t count = ws_frames_make((ws_frames)kind, bytes, &s.length);
    wslay_event_context_ptr context;
    if (wslay_event_context_server_init(&context, &callbacks, &s) != 0) return 1;
    enum { TIMES = 10 };
    double ns = FIGURE_BEST_NS(
        30, for (int t = 0; t < TIMES; t++) {
          s.at = s.messages = 0;
          if (wslay_event_recv(context) != 0 || s.messages != count) {
            fprintf(stderr, "wslay did not take the frames\n");
            return 1;
          }
        });
    printf("{\"peer\": \"wslay\", \"version\": \"%s\", \"what\": \"ws_parse_%s_wslay\", \"value\": %.6g, \"unit\": \"ns/frame\"}\n",
           WSLAY_VERSION, ws_frames_names[kind], ns / TIMES / (double)count);
    wslay_event_context_free(context);
  }
  return 0;
}
