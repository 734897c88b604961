/* SPDX-License-Identifier: MIT */
/*
 * WebSocket: nanoseconds a frame beside memcpy of the same bytes, and the round trip of 64 bytes over loopback beside bare TCP in the same
 * run: both ends spinning, both as they are unless told otherwise (patient for 50 us, then asleep), and both asleep at once, whose floor is
 * bare TCP behind epoll. Each end is a process of one thread, as a client and a server are, on a core of its own where there are two.
 */
#include <assay/websocket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#if defined(__linux__)
#include <sys/epoll.h>
#endif
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figure.h"
#include "os/prim.h"
#include "ws_frames.h"

static _Noreturn void die(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* ---- Frames -------------------------------------------------------------------------------------------------------------------------- */

static assay_ws_event events[1024];

static void parse_all(assay_ws_parser *parser, uint8_t *bytes, size_t length, size_t expected) {
  size_t used = 0, count = assay_ws_parser_feed(parser, bytes, length, events, 1024, &used);
  if (count != expected || used != length) die("the parser did not take its frames");
}

enum { PASSES = 25 };

static double smaller(double a, double b) { return a == 0 || b < a ? b : a; }

/* ns a frame: the best of many runs over `count` frames. */
static double parse_ns(ws_frames kind, const char *variant, double *copy_ns) {
  static uint8_t bytes[WS_FRAMES_BYTES], copy[WS_FRAMES_BYTES];
  size_t length = 0, count = ws_frames_make(kind, bytes, &length);
  assay_ws_parser parser;
  assay_ws_parser_init(&parser, &(assay_ws_parser_options){.role = ASSAY_WS_SERVER, .variant = variant});
  enum { TIMES = 100 };
  double best = FIGURE_BEST_NS(12, for (int t = 0; t < TIMES; t++) parse_all(&parser, bytes, length, count));
  if (copy_ns != NULL) {
    double copied = FIGURE_BEST_NS(
                        12,
                        for (int t = 0; t < TIMES; t++) {
                          memcpy(copy, bytes, length);
                          __asm__ volatile("" : : "r"(copy), "r"(bytes) : "memory");
                        }) /
                    TIMES / (double)count;
    *copy_ns = smaller(*copy_ns, copied);
  }
  return best / TIMES / (double)count;
}

static double write_ns(size_t payload) {
  static uint8_t in[2048], out[2048 + ASSAY_WS_HEADER_MOST];
  enum { TIMES = 3000 };
  assay_ws_masks masks = {0};
  return FIGURE_BEST_NS(
             10,
             for (int t = 0; t < TIMES; t++) {
               uint32_t mask;
               if (assay_ws_masks_next(&masks, NULL, &mask) != ASSAY_OK) die("no random numbers");
               assay_ws_frame(out, ASSAY_WS_BINARY, 0, in, payload, &mask);
               __asm__ volatile("" : : "r"(out) : "memory");
             }) /
         TIMES;
}

/* A kind takes a millisecond, in which a neighbour on the same core can make all of it half as fast: so they take turns, over a second. */
static void frames(void) {
  double ns[WS_FRAMES_KINDS] = {0}, copy_ns[WS_FRAMES_KINDS] = {0}, scalar_ns[WS_FRAMES_KINDS] = {0}, write_64 = 0, write_1k = 0;
  assay_ws_parser parser;
  assay_ws_parser_init(&parser, &(assay_ws_parser_options){0});
  for (int pass = 0; pass < PASSES; pass++) {
    for (int kind = 0; kind < WS_FRAMES_KINDS; kind++) {
      ns[kind] = smaller(ns[kind], parse_ns((ws_frames)kind, NULL, &copy_ns[kind]));
      if (pass % 8 == 0) scalar_ns[kind] = smaller(scalar_ns[kind], parse_ns((ws_frames)kind, "c", NULL));
    }
    write_64 = smaller(write_64, write_ns(64));
    write_1k = smaller(write_1k, write_ns(1024));
  }
  for (int kind = 0; kind < WS_FRAMES_KINDS; kind++) {
    char what[64], note[120];
    snprintf(what, sizeof what, "ws_parse_%s", ws_frames_names[kind]);
    snprintf(note, sizeof note, "%s, memcpy of the same bytes %.2f ns, scalar reference %.1f ns", assay_ws_parser_variant(&parser),
             copy_ns[kind], scalar_ns[kind]);
    figure(what, ns[kind], "ns/frame", note);
  }
  figure("ws_write_64_masked", write_64, "ns/frame", "mask from the system's random source");
  figure("ws_write_1k_masked", write_1k, "ns/frame", NULL);
}

/* ---- Round trips --------------------------------------------------------------------------------------------------------------------- */

enum { PAYLOAD = 64, TRIPS = 3000, ROUNDS = 31 };
static unsigned cpus[1024];
static size_t cpu_count;

static void pin(size_t which) {
  if (cpu_count >= 2) (void)assay_os_pin_thread(&cpus[which == 0 ? 0 : cpu_count - 1], 1, NULL);
}

/* How an end waits. */
typedef enum waiting { SPINNING, USUAL, ASLEEP, BEHIND_EPOLL } waiting;

/* Bare TCP: what no frame can be faster than. */
typedef struct bare {
  int fd, epoll; /* below 0: none, it waits in recv */
  bool spin;
} bare;

/* Any loop over many connections has to ask which one it is first; this is the least that costs. */
static int epoll_of(int fd) {
#if defined(__linux__)
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("no epoll");
  return epoll;
#else
  (void)fd;
  return -1;
#endif
}

static bool take(const bare *b, uint8_t *bytes) {
  for (size_t have = 0; have < PAYLOAD;) {
#if defined(__linux__)
    struct epoll_event event;
    if (b->epoll >= 0 && epoll_wait(b->epoll, &event, 1, 20000) < 1) continue;
#endif
    ssize_t got = recv(b->fd, bytes + have, 4096 - have, b->spin ? MSG_DONTWAIT : 0);
    if (got == 0) return false;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (got > 0) have += (size_t)got;
  }
  return true;
}

/* The far end of a round trip is a program of its own: a process of one thread, whose calls to the system are the cheapest. */
static pid_t begin_far(void (*work)(void *), void *user) {
  fflush(NULL);
  pid_t far = fork();
  if (far < 0) die("no process");
  if (far > 0) return far;
  pin(1);
  work(user);
  _exit(0);
}

static void end_far(pid_t far) {
  int how = 0;
  while (waitpid(far, &how, 0) < 0 && errno == EINTR) continue;
  if (how != 0) die("the far end fails");
}

static void bare_echo(void *user) {
  const bare *b = user;
  uint8_t bytes[4096];
  while (take(b, bytes)) {
    if (send(b->fd, bytes, PAYLOAD, MSG_NOSIGNAL) != PAYLOAD) break;
  }
}

static void bare_pair(int ends[2]) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int listening = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  if (listening < 0 || bind(listening, (struct sockaddr *)&at, size) != 0 || listen(listening, 1) != 0 ||
      getsockname(listening, (struct sockaddr *)&at, &size) != 0 || connect(ends[0], (struct sockaddr *)&at, size) != 0 ||
      (ends[1] = accept(listening, NULL, NULL)) < 0)
    die("no sockets on loopback");
  for (int i = 0; i < 2; i++) setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  close(listening);
}

static void bare_round(waiting how, double *us) {
  int ends[2];
  bare_pair(ends);
  bool epoll = how == BEHIND_EPOLL;
  bare far = {ends[1], epoll ? epoll_of(ends[1]) : -1, how == SPINNING}, near = {ends[0], epoll ? epoll_of(ends[0]) : -1, how == SPINNING};
  uint8_t bytes[4096] = {0};
  pid_t process = begin_far(bare_echo, &far);
  pin(0);
  for (int i = -200; i < TRIPS; i++) {
    uint64_t from = figure_wall_ns();
    if (send(ends[0], bytes, PAYLOAD, MSG_NOSIGNAL) != PAYLOAD || !take(&near, bytes)) die("bare TCP fails");
    if (i >= 0) us[i] = (double)(figure_wall_ns() - from) / 1e3;
  }
  shutdown(ends[0], SHUT_RDWR);
  end_far(process);
  close(ends[0]);
  close(ends[1]);
  if (far.epoll >= 0) close(far.epoll);
  if (near.epoll >= 0) close(near.epoll);
}

typedef struct place {
  const assay_ws_loop_options *options;
  assay_ws_loop *loop;
  int port; /* where it writes its port: the end of a pipe */
} place;

static void echo(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  (void)user;
  (void)assay_ws_send(ws, opcode, data, length, NULL);
}

static void on_closed(void *user, assay_ws *ws, unsigned code, const char *reason, bool clean) {
  (void)ws;
  (void)code;
  (void)reason;
  (void)clean;
  assay_ws_loop_stop(((place *)user)->loop);
}

/* One connection, until it ends. */
static void serve(void *user) {
  place *p = user;
  assay_ws_server *listening = NULL;
  assay_error err = {0};
  if (assay_ws_loop_create(p->options, &err, &p->loop) != ASSAY_OK ||
      assay_ws_server_open(p->loop, &(assay_ws_server_options){0}, &(assay_ws_handlers){.user = p, .message = echo, .closed = on_closed},
                           &err, &listening) != ASSAY_OK)
    die(err.message);
  uint16_t port = assay_ws_server_port(listening);
  if (write(p->port, &port, sizeof port) != sizeof port) die("no port");
  (void)assay_ws_loop_run(p->loop, NULL);
  assay_ws_loop_destroy(p->loop);
}

typedef struct asking {
  double *us;
  int count;
  uint64_t from;
  assay_ws_loop *loop;
} asking;

static void ask(asking *a, assay_ws *ws) {
  static const uint8_t bytes[PAYLOAD];
  a->from = figure_wall_ns();
  if (assay_ws_send(ws, ASSAY_WS_BINARY, bytes, PAYLOAD, NULL) != ASSAY_OK) die("a message cannot be sent");
}

static void on_open(void *user, assay_ws *ws) { ask(user, ws); }

static void on_answer(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  (void)opcode;
  (void)data;
  asking *a = user;
  if (length != PAYLOAD) die("another answer than the question");
  if (a->count >= 0) a->us[a->count] = (double)(figure_wall_ns() - a->from) / 1e3;
  if (++a->count < TRIPS)
    ask(a, ws);
  else
    assay_ws_loop_stop(a->loop);
}

static void ws_round(waiting how, double *us) {
  assay_ws_loop_options options = {.spin = how == SPINNING, .patience_s = how == ASLEEP ? -1 : 0};
  int ports[2];
  uint16_t port = 0;
  char url[64];
  assay_error err = {0};
  asking a = {.us = us, .count = -200};
  if (pipe(ports) != 0) die("no pipe");
  pid_t process = begin_far(serve, &(place){.options = &options, .port = ports[1]});
  close(ports[1]);
  if (read(ports[0], &port, sizeof port) != sizeof port) die("the far end has no port");
  close(ports[0]);
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/", port);
  pin(0);
  if (assay_ws_loop_create(&options, &err, &a.loop) != ASSAY_OK ||
      assay_ws_connect(a.loop, url, NULL, &(assay_ws_handlers){.user = &a, .open = on_open, .message = on_answer}, &err, NULL) != ASSAY_OK)
    die(err.message);
  (void)assay_ws_loop_run(a.loop, NULL);
  assay_ws_loop_destroy(a.loop);
  end_far(process);
}

/* In turns, so that what disturbs one disturbs the other; the middle of the rounds' middles, and of their ratios. */
static void round_trips(waiting how, const char *what) {
  double *us = calloc(TRIPS, sizeof *us), ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS], worst[ROUNDS], behind[ROUNDS];
  const int rounds = how == SPINNING ? ROUNDS : 9; /* those that sleep take seven times as long */
  if (us == NULL) die("no memory");
  for (int round = 0; round < rounds; round++) {
    for (int turn = 0; turn < 2; turn++) {
      bool bare_now = (round + turn) % 2 == 0;
      if (bare_now)
        bare_round(how == SPINNING ? SPINNING : ASLEEP, us);
      else
        ws_round(how, us);
      *(bare_now ? &theirs[round] : &ours[round]) = figure_median(us, TRIPS);
      if (!bare_now) worst[round] = us[TRIPS * 99 / 100];
    }
    if (how == ASLEEP) {
      bare_round(BEHIND_EPOLL, us);
      behind[round] = figure_median(us, TRIPS) / theirs[round];
    }
    ratios[round] = ours[round] / theirs[round];
  }
  free(us);
  char note[160], name[64];
  double p50 = figure_median(ours, (size_t)rounds), bare_us = figure_median(theirs, (size_t)rounds),
         p99 = figure_median(worst, (size_t)rounds);
  snprintf(note, sizeof note, "p50; p99 %.1f us; bare TCP p50 %.2f us in the same run%s", p99, bare_us,
           cpu_count < 2 ? "; both ends on one core" : "");
  figure(what, p50, "us", note);
  snprintf(name, sizeof name, "%s_of_tcp", what);
  snprintf(note, sizeof note, "middle of the rounds' ratios to bare TCP");
  if (how == ASLEEP)
    snprintf(note, sizeof note, "middle of the rounds' ratios; bare TCP behind epoll %.3f", figure_median(behind, (size_t)rounds));
  figure(name, figure_median(ratios, (size_t)rounds), "ratio", note);
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  cpu_count = assay_os_allowed_cpus(cpus, sizeof cpus / sizeof *cpus);
  if (cpu_count > sizeof cpus / sizeof *cpus) cpu_count = sizeof cpus / sizeof *cpus;
  frames();
  if (cpu_count >= 2) {
    round_trips(SPINNING, "ws_round_trip_spinning");
  } else { /* each would keep the other from answering for the rest of its time slice */
    figure_absent("ws_round_trip_spinning", "two ends that spin need two cores");
    figure_absent("ws_round_trip_spinning_of_tcp", "two ends that spin need two cores");
  }
  round_trips(USUAL, "ws_round_trip_blocking");
  round_trips(ASLEEP, "ws_round_trip_asleep");
  return figure_end();
}
