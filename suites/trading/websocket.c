/* SPDX-License-Identifier: MIT */
/* WebSocket on loopback: 64 bytes to another thread and back, with both ends sleeping at once, patient first (as loops are), or spinning;
 * and one message to many clients. */
#include <assay/bench.h>
#include <assay/websocket.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAYLOAD = 64, PATIENCE_S = 5 };
static const uint8_t payload[PAYLOAD];

/* What a client has seen. */
typedef struct near {
  bool open, gone;
  uint64_t messages;
} near;

static void near_open(void *user, assay_ws *ws) {
  (void)ws;
  ((near *)user)->open = true;
}

static void near_message(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  (void)ws, (void)opcode, (void)data;
  ((near *)user)->messages += length == PAYLOAD;
}

static void near_closed(void *user, assay_ws *ws, unsigned code, const char *reason, bool clean) {
  (void)ws, (void)code, (void)reason, (void)clean;
  ((near *)user)->gone = true;
}

static assay_status connect_to(assay_ws_loop *loop, uint16_t port, near *n, assay_error *err, assay_ws **ws) {
  char url[64];
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/", port);
  return assay_ws_connect(loop, url, NULL,
                          &(assay_ws_handlers){.user = n, .open = near_open, .message = near_message, .closed = near_closed}, err, ws);
}

/* ---- There and back ----------------------------------------------------------------------------------------------------------------- */

static void echo(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  (void)user;
  (void)assay_ws_send(ws, opcode, data, length, NULL);
}

static void *serve(void *loop) {
  (void)assay_ws_loop_run(loop, NULL);
  return NULL;
}

static assay_status trip(assay_ws_loop *loop, assay_ws *ws, near *n, bool spin, assay_error *err) {
  uint64_t before = n->messages;
  assay_status status = assay_ws_send(ws, ASSAY_WS_BINARY, payload, PAYLOAD, err);
  while (status == ASSAY_OK && n->messages == before && !n->gone) status = assay_ws_loop_turn(loop, spin ? 0 : PATIENCE_S, err);
  return status == ASSAY_OK && n->gone ? ASSAY_FAIL(err, ASSAY_ERR_IO, "the server hung up") : status;
}

static void converse(assay_bench *b, assay_ws_loop *far, assay_ws_loop *loop, bool spin) {
  assay_error err = {0};
  assay_ws_server *server = NULL;
  assay_ws *ws = NULL;
  near n = {0};
  pthread_t thread;
  assay_status status = assay_ws_server_open(far, &(assay_ws_server_options){0}, &(assay_ws_handlers){.message = echo}, &err, &server);
  if (status == ASSAY_ERR_UNSUPPORTED) return assay_bench_unsupported(b, "%s", err.message);
  if (status == ASSAY_OK) status = connect_to(loop, assay_ws_server_port(server), &n, &err, &ws);
  if (status != ASSAY_OK) return assay_bench_fail(b, "%s", err.message);
  if (pthread_create(&thread, NULL, serve, far) != 0) return assay_bench_fail(b, "no thread");
  while (status == ASSAY_OK && !n.open && !n.gone) status = assay_ws_loop_turn(loop, PATIENCE_S, &err);
  if (status == ASSAY_OK && n.gone) {
    assay_bench_fail(b, "the server hung up");
  } else {
    ASSAY_LOOP(b) status = status == ASSAY_OK ? trip(loop, ws, &n, spin, &err) : status;
    assay_bench_items(b, 1);
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_ws_loop_stop(far);
  pthread_join(thread, NULL);
}

static bool has_two_cpus(void) {
#if defined(__linux__)
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > 1;
#else
  return sysconf(_SC_NPROCESSORS_ONLN) > 1;
#endif
}

ASSAY_BENCH(websocket_round_trip, .suite = "trading", .mode = ASSAY_MODE_LATENCY, .ceiling = "",
            .summary = "64 bytes to another thread and back over loopback; every trip recorded",
            .params = {{"wait", "sleep,patient,spin"}}) {
  assay_error err = {0};
  const char *wait = assay_bench_text(b, "wait");
  bool spin = strcmp(wait, "spin") == 0;
  if (spin && !has_two_cpus())
    return assay_bench_unsupported(b, "two ends that spin need a CPU each; on one a trip takes two time slices of the scheduler");
  assay_ws_loop *far = NULL, *loop = NULL;
  const assay_ws_loop_options options = {.spin = spin, .patience_s = strcmp(wait, "sleep") == 0 ? -1 : 0};
  if (assay_ws_loop_create(&options, &err, &far) != ASSAY_OK || assay_ws_loop_create(&options, &err, &loop) != ASSAY_OK)
    assay_bench_fail(b, "%s", err.message);
  else
    converse(b, far, loop, spin);
  assay_ws_loop_destroy(loop);
  assay_ws_loop_destroy(far);
}

/* ---- To many ------------------------------------------------------------------------------------------------------------------------ */

static bool all_have(const near *clients, size_t count, uint64_t messages) {
  for (size_t i = 0; i < count; i++)
    if (!clients[i].open || clients[i].messages < messages) return false;
  return true;
}

static bool one_gone(const near *clients, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (clients[i].gone) return true;
  return false;
}

static assay_status wait_for(assay_ws_loop *loop, const near *clients, size_t count, uint64_t messages, assay_error *err) {
  assay_status status = ASSAY_OK;
  while (status == ASSAY_OK && !all_have(clients, count, messages)) {
    if (one_gone(clients, count)) return ASSAY_FAIL(err, ASSAY_ERR_IO, "a client lost its connection");
    status = assay_ws_loop_turn(loop, PATIENCE_S, err);
  }
  return status;
}

ASSAY_BENCH(websocket_fan_out, .suite = "trading", .mode = ASSAY_MODE_LATENCY, .ceiling = "",
            .summary = "64 bytes to every client, until the last one has them; server and clients in one thread",
            .params = {{"clients", "1,10,100"}}) {
  static near clients[100];
  size_t count = assay_bench_u64(b, "clients");
  assay_error err = {0};
  assay_ws_loop *loop = NULL;
  assay_ws_server *server = NULL;
  uint64_t messages = 0;
  memset(clients, 0, sizeof clients);
  assay_status status = assay_ws_loop_create(NULL, &err, &loop);
  if (status == ASSAY_OK) status = assay_ws_server_open(loop, &(assay_ws_server_options){0}, &(assay_ws_handlers){0}, &err, &server);
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) status = connect_to(loop, assay_ws_server_port(server), &clients[i], &err, NULL);
  if (status == ASSAY_OK) status = wait_for(loop, clients, count, 0, &err);
  if (status == ASSAY_ERR_UNSUPPORTED) {
    assay_bench_unsupported(b, "%s", err.message);
  } else if (status == ASSAY_OK) {
    ASSAY_LOOP(b) {
      if (status == ASSAY_OK && assay_ws_server_broadcast(server, ASSAY_WS_BINARY, payload, PAYLOAD) == count)
        status = wait_for(loop, clients, count, ++messages, &err);
    }
    assay_bench_items(b, (double)count);
  }
  if (status != ASSAY_OK && status != ASSAY_ERR_UNSUPPORTED) assay_bench_fail(b, "%s", err.message);
  assay_ws_loop_destroy(loop);
}
