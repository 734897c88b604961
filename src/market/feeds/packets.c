/* SPDX-License-Identifier: MIT */
/*
 * pcap and pcapng (draft-ietf-opsawg-pcap, -pcapng) down to UDP (Ethernet with VLANs, Linux "cooked" and raw captures; IPv4 and IPv6), and
 * MoldUDP64 on that. The first packet whose blocks are all messages of ITCH chooses the session; both lines of a feed are in one capture
 * often, and the receiver takes each message once. A gap is given up when the memory for what stands behind it is full, or at the end.
 * Where messages are left out is kept beside what is given, which is a BinaryFILE and cannot say so itself.
 */
#include "market/feeds/packets.h"

#include <assay/feed_itch.h>

#include <string.h>

#include "base/alloc.h"

enum { ROOM = 1 << 20, LONGEST_BLOCK = 1 << 19, STORE = 1 << 18, MOST_INTERFACES = 1 << 16, MOST_LOSSES = 1 << 16 };
enum { FIRST_PACKETS = 32, FIRST_MESSAGES = 4096 }; /* which may be in any order, and by how much */
enum { OUT_ROOM = STORE + 2 * (ASSAY_MOLD_LARGEST + 1) };
enum { LINK_NULL = 0, LINK_ETHERNET = 1, LINK_RAW_BSD = 12, LINK_RAW = 101, LINK_LOOP = 108, LINK_COOKED = 113 };
enum { LINK_IPV4 = 228, LINK_IPV6 = 229, LINK_COOKED_2 = 276 };
enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd, ETHER_MPLS = 0x8847, IP_UDP = 17 };
enum { ETHER_VLAN = 0x8100, ETHER_VLAN_2 = 0x88a8, ETHER_VLAN_OLD = 0x9100, ETHER_VLAN_OLDER = 0x9200 };
enum { IP6_HOP_BY_HOP = 0, IP6_ROUTING = 43, IP6_DESTINATION = 60 };

struct assay_packets {
  size_t at, used; /* of `in` */
  size_t out_at, out_used;
  bool ended, begun, is_ng, is_swapped, has_session;
  uint16_t links[MOST_INTERFACES];
  uint32_t interfaces; /* pcap has one */
  uint64_t pass;       /* bytes of a block that is of no use and not all there */
  assay_mold_receiver receiver;
  uint64_t begin; /* what the receiver begins to wait with; 0: not known yet */
  unsigned first_packets;
  assay_feed_file_capture count;
  uint64_t given;               /* bytes, with those in `out` */
  uint64_t losses[MOST_LOSSES]; /* a ring: how much was given before each, for who asks; where it is full, nobody does */
  uint64_t losses_asked, losses_known;
  size_t far_size; /* of a packet that the receiver does not believe yet; 0: there is none */
  uint8_t far[1 << 16];
  uint8_t store[STORE], out[OUT_ROOM], in[ROOM];
};

/* A piece of a packet that gets shorter from its front, header by header. */
typedef struct slice {
  const uint8_t *at;
  size_t left;
} slice;

static const uint8_t *drop(slice *b, size_t count) {
  if (b->left < count) return NULL;
  const uint8_t *at = b->at;
  b->at += count;
  b->left -= count;
  return at;
}

/* ---- Down to UDP --------------------------------------------------------------------------------------------------------------------- */

static bool open_udp(slice *b) {
  const uint8_t *head = drop(b, 8);
  if (head == NULL || assay_be16(head + 4) < 8 || assay_be16(head + 4) - 8u > b->left) return false;
  b->left = assay_be16(head + 4) - 8u; /* Ethernet's padding goes */
  return true;
}

static bool open_ipv4(slice *b) {
  if (b->left < 20) return false;
  size_t head = (b->at[0] & 15u) * 4u, all = assay_be16(b->at + 2);
  const bool is_fragment = (assay_be16(b->at + 6) & 0x3fff) != 0;
  if (head < 20 || b->at[9] != IP_UDP || is_fragment || drop(b, head) == NULL) return false;
  if (all >= head && all - head < b->left) b->left = all - head;
  return open_udp(b);
}

/* Headers of options may stand before UDP's. */
static bool open_ipv6(slice *b) {
  const uint8_t *head = drop(b, 40);
  if (head == NULL) return false;
  uint8_t next = head[6];
  while (next == IP6_HOP_BY_HOP || next == IP6_ROUTING || next == IP6_DESTINATION) {
    if (b->left < 8 || (head = drop(b, 8 + 8u * b->at[1])) == NULL) return false;
    next = head[0];
  }
  return next == IP_UDP && open_udp(b);
}

static bool open_ip(slice *b) { return b->left > 0 && (b->at[0] >> 4 == 6 ? open_ipv6(b) : b->at[0] >> 4 == 4 && open_ipv4(b)); }

/* Labels, the last of which says that it is. */
static bool open_mpls(slice *b) {
  const uint8_t *label;
  do label = drop(b, 4);
  while (label != NULL && (label[2] & 1) == 0);
  return label != NULL && open_ip(b);
}

/* What stands behind the type of an Ethernet frame; VLANs may be stacked. */
static bool open_typed(slice *b, unsigned type) {
  while (type == ETHER_VLAN || type == ETHER_VLAN_2 || type == ETHER_VLAN_OLD || type == ETHER_VLAN_OLDER) {
    const uint8_t *tag = drop(b, 4);
    if (tag == NULL) return false;
    type = assay_be16(tag + 2);
  }
  if (type == ETHER_MPLS) return open_mpls(b);
  return type == ETHER_IPV4 ? open_ipv4(b) : type == ETHER_IPV6 && open_ipv6(b);
}

static bool open_frame(slice *b, uint32_t link) {
  const uint8_t *head;
  switch (link) {
    case LINK_ETHERNET: return (head = drop(b, 14)) != NULL && open_typed(b, assay_be16(head + 12));
    case LINK_COOKED: return (head = drop(b, 16)) != NULL && open_typed(b, assay_be16(head + 14));
    case LINK_COOKED_2: return (head = drop(b, 20)) != NULL && open_typed(b, assay_be16(head));
    case LINK_LOOP:
    case LINK_NULL: return drop(b, 4) != NULL && open_ip(b);
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
    case LINK_RAW_BSD: return open_ip(b);
    default: return false;
  }
}

/* ---- MoldUDP64 ----------------------------------------------------------------------------------------------------------------------- */

static bool is_itch(slice b) {
  assay_mold_packet packet;
  assay_itch_message message;
  if (assay_mold_open(&packet, b.at, b.left) != ASSAY_FEED_MESSAGE || packet.left == 0) return false;
  while (packet.left > 0)
    if (assay_mold_next(&packet, &message) != ASSAY_FEED_MESSAGE) return false;
  return true;
}

static void note_loss(assay_packets *p) {
  if (p->losses_known - p->losses_asked < MOST_LOSSES) p->losses[p->losses_known++ % MOST_LOSSES] = p->given;
}

static void count_missing(assay_packets *p, uint64_t missing) {
  p->count.missing += missing;
  if (missing > 0) note_loss(p);
}

/* There is room: two packets and all that was stored are no more. What is no message of ITCH is left out, and counted. */
static void take_messages(assay_packets *p) {
  assay_itch_message message;
  assay_feed_step step;
  while ((step = assay_mold_take(&p->receiver, &message)) == ASSAY_FEED_MESSAGE || step == ASSAY_FEED_MALFORMED) {
    if (step == ASSAY_FEED_MALFORMED) {
      p->count.malformed++;
      note_loss(p);
      continue;
    }
    const uint8_t length[2] = {(uint8_t)(message.length >> 8), (uint8_t)message.length};
    memcpy(p->out + p->out_used, length, sizeof length);
    memcpy(p->out + p->out_used + sizeof length, message.as, message.length);
    p->out_used += sizeof length + message.length;
    p->given += sizeof length + message.length;
    p->count.messages++;
  }
}

/* Nothing is given yet: what is not in the capture before its first message is not missing. */
static bool is_beginning(const assay_packets *p) { return p->receiver.expected == p->begin; }

static void give_up(assay_packets *p) {
  do {
    const bool begins = is_beginning(p);
    const uint64_t missing = assay_mold_give_up(&p->receiver);
    count_missing(p, begins ? 0 : missing);
    take_messages(p);
  } while (p->ended && p->receiver.stale);
}

/* As far as something is stored, or as a packet itself stands in the gap: then only what is before it. */
static void give_up_before(assay_packets *p, uint64_t sequence) {
  uint8_t request[ASSAY_MOLD_HEAD];
  const uint64_t expected = p->receiver.expected;
  const bool is_gap = assay_mold_request(&p->receiver, request) > 0;
  if (!is_gap || sequence < expected || sequence - expected >= assay_be16(request + 18)) {
    give_up(p);
    return;
  }
  count_missing(p, is_beginning(p) ? 0 : sequence - expected);
  const uint64_t known = p->receiver.known;
  assay_mold_resume(&p->receiver, sequence);
  p->receiver.known = known;
}

/* Each time that the store is full, the gap before all that is in it is given up. */
static assay_mold_news receive(assay_packets *p, slice b) {
  while (true) {
    const uint64_t refused = p->receiver.refused;
    const assay_mold_news news = assay_mold_receive(&p->receiver, b.at, b.left);
    take_messages(p);
    if (news != ASSAY_MOLD_GAP || p->receiver.refused == refused || p->receiver.used == 0) return news;
    give_up_before(p, (uint64_t)assay_be32(b.at + 10) << 32 | assay_be32(b.at + 14));
  }
}

/* The first packet far ahead waits for one that says the same; if none does, it was something else. */
static void keep_far(assay_packets *p, slice b) {
  const bool is_again = p->far_size > 0 && memcmp(p->far, b.at, ASSAY_MOLD_HEAD) == 0; /* on the other line */
  p->count.others += p->far_size > 0 && !is_again;
  p->far_size = b.left <= sizeof p->far ? b.left : 0;
  p->count.others += p->far_size == 0;
  memcpy(p->far, b.at, p->far_size);
}

static void settle_far(assay_packets *p) {
  const slice kept = {p->far, p->far_size};
  if (kept.left == 0) return;
  p->far_size = 0;
  const uint64_t sequence = (uint64_t)assay_be32(kept.at + 10) << 32 | assay_be32(kept.at + 14);
  if (p->receiver.known < sequence)
    p->count.others++;
  else
    (void)receive(p, kept);
}

/* The first packet of a capture need not be the first of the feed: a few are waited for that belong before it. */
static void begin(assay_packets *p, slice b) {
  const uint64_t sequence = (uint64_t)assay_be32(b.at + 10) << 32 | assay_be32(b.at + 14);
  p->begin = p->receiver.expected = sequence > FIRST_MESSAGES ? sequence - FIRST_MESSAGES : sequence > 0;
}

static void take_session(assay_packets *p, slice b) {
  if (!p->receiver.joined) begin(p, b);
  const assay_mold_news news = receive(p, b);
  if (is_beginning(p) && ++p->first_packets == FIRST_PACKETS) give_up(p);
  if (news == ASSAY_MOLD_SESSION || news == ASSAY_MOLD_BAD)
    p->count.others++;
  else if (news == ASSAY_MOLD_FAR_AHEAD)
    keep_far(p, b);
  else
    settle_far(p);
}

/* `length` is what the packet had on the line. */
static void take_packet(assay_packets *p, slice b, uint32_t link, uint32_t length) {
  const bool is_cut = b.left < length;
  p->count.packets++;
  if (!open_frame(&b, link) || (!p->has_session && !is_itch(b))) {
    p->count.others++;
    p->count.cut += is_cut;
    return;
  }
  p->has_session = true;
  take_session(p, b);
}

/* ---- The file ------------------------------------------------------------------------------------------------------------------------ */

static uint32_t word_at(const assay_packets *p, const uint8_t *at) {
  uint32_t little = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
  return p->is_swapped ? assay_be32(at) : little;
}

static unsigned half_at(const assay_packets *p, const uint8_t *at) { return p->is_swapped ? assay_be16(at) : at[0] | (unsigned)at[1] << 8; }

bool assay_packets_are(const uint8_t *bytes, size_t size) {
  static const uint8_t magics[][4] = {
      {0xd4, 0xc3, 0xb2, 0xa1}, {0xa1, 0xb2, 0xc3, 0xd4}, {0x4d, 0x3c, 0xb2, 0xa1}, {0xa1, 0xb2, 0x3c, 0x4d}, {0x0a, 0x0d, 0x0d, 0x0a}};
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (size >= 4 && memcmp(bytes, magics[i], 4) == 0) return true;
  return false;
}

static assay_status damaged(assay_error *err, const char *what) {
  return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the capture is damaged: %s", what);
}

/* One step through what is there; *moved false: more is needed. */
static assay_status step_pcap(assay_packets *p, assay_error *err, bool *moved) {
  const uint8_t *at = p->in + p->at;
  const size_t left = p->used - p->at, head = p->begun ? 16 : 24;
  *moved = false;
  if (left < head) return ASSAY_OK;
  if (!p->begun) {
    p->is_swapped = at[0] == 0xa1;
    p->links[0] = (uint16_t)word_at(p, at + 20); /* the bits above are about check sums */
    p->interfaces = 1;
    p->begun = *moved = true;
    p->at += head;
    return ASSAY_OK;
  }
  const uint32_t length = word_at(p, at + 8);
  if (length > LONGEST_BLOCK) return damaged(err, "a packet that is longer than any");
  if (left - head < length) return ASSAY_OK;
  take_packet(p, (slice){at + head, length}, p->links[0], word_at(p, at + 12));
  p->at += head + length;
  *moved = true;
  return ASSAY_OK;
}

/* A packet of an interface that nothing is said of is none that can be read. */
static void take_captured(assay_packets *p, slice block, uint32_t interface, uint32_t length, uint32_t on_line) {
  const bool is_known = interface < p->interfaces && length <= block.left;
  p->count.packets += !is_known;
  p->count.others += !is_known;
  if (is_known) take_packet(p, (slice){block.at, length}, p->links[interface], on_line);
}

enum { INTERFACE = 1, OLD_PACKET = 2, SIMPLE = 3, ENHANCED = 6, SECTION = 0x0a0d0d0a };

static bool is_of_use(uint32_t type) {
  return type == INTERFACE || type == OLD_PACKET || type == SIMPLE || type == ENHANCED || type == SECTION;
}

static void take_block(assay_packets *p, uint32_t type, slice block) {
  const uint8_t *head;
  if (type == INTERFACE && block.left >= 8 && p->interfaces < MOST_INTERFACES) p->links[p->interfaces++] = (uint16_t)half_at(p, block.at);
  if (type == ENHANCED && (head = drop(&block, 20)) != NULL)
    take_captured(p, block, word_at(p, head), word_at(p, head + 12), word_at(p, head + 16));
  if (type == OLD_PACKET && (head = drop(&block, 20)) != NULL)
    take_captured(p, block, half_at(p, head), word_at(p, head + 12), word_at(p, head + 16));
  if (type == SIMPLE && (head = drop(&block, 4)) != NULL) {
    const uint32_t length = word_at(p, head);
    take_captured(p, block, 0, length < block.left ? length : (uint32_t)block.left, length);
  }
}

/* What is there of a block that is passed by its length. */
static void pass_block(assay_packets *p, uint64_t length) {
  const size_t left = p->used - p->at, now = length < left ? (size_t)length : left;
  p->at += now;
  p->pass = length - now;
}

static assay_status step_pcapng(assay_packets *p, assay_error *err, bool *moved) {
  static const uint32_t order = 0x1a2b3c4d;
  const uint8_t *at = p->in + p->at;
  const size_t left = p->used - p->at;
  *moved = p->pass > 0 && left > 0;
  if (*moved) pass_block(p, p->pass);
  if (*moved || left < 12) return ASSAY_OK;
  if (word_at(p, at) == SECTION) { /* which reads the same both ways; it says how the rest is written */
    p->is_swapped = false;
    p->is_swapped = word_at(p, at + 8) != order;
    if (word_at(p, at + 8) != order) return damaged(err, "a section without its byte order");
    p->interfaces = 0;
  }
  const uint32_t type = word_at(p, at), length = word_at(p, at + 4);
  const bool is_used = is_of_use(type);
  if (length < 12 || length % 4 != 0 || (is_used && length > LONGEST_BLOCK)) return damaged(err, "a block whose length cannot be");
  if (is_used && left < length) return ASSAY_OK;
  *moved = true;
  if (!is_used) {
    pass_block(p, length);
    return ASSAY_OK;
  }
  take_block(p, type, (slice){at + 8, length - 12});
  p->at += length;
  return ASSAY_OK;
}

assay_packets *assay_packets_create(void) {
  assay_packets *p = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *p);
  if (p != NULL) assay_mold_init(&p->receiver, p->store, sizeof p->store);
  return p;
}

void assay_packets_destroy(assay_packets *packets) { assay_free(packets); }

uint8_t *assay_packets_room(assay_packets *p, size_t *room) {
  memmove(p->in, p->in + p->at, p->used - p->at);
  p->used -= p->at;
  p->at = 0;
  *room = ROOM - p->used;
  return p->in + p->used;
}

void assay_packets_came(assay_packets *p, size_t count) {
  if (!p->begun && !p->is_ng && p->used == 0 && count > 0) p->is_ng = p->in[0] == 0x0a;
  p->used += count;
  p->ended = count == 0;
}

assay_status assay_packets_read(assay_packets *p, uint8_t *bytes, size_t most, assay_error *err, size_t *got) {
  bool moved = true;
  while (p->out_used == 0 && moved) {
    assay_status status = p->is_ng ? step_pcapng(p, err, &moved) : step_pcap(p, err, &moved);
    if (status != ASSAY_OK) return status;
  }
  if (p->out_used == 0 && p->ended) {
    p->count.torn = p->pass > 0 ? p->pass : p->used - p->at;
    p->count.others += p->far_size > 0;
    p->far_size = 0;
    give_up(p);
  }
  const size_t left = p->out_used - p->out_at;
  *got = left < most ? left : most;
  memcpy(bytes, p->out + p->out_at, *got);
  p->out_at += *got;
  if (p->out_at == p->out_used) p->out_at = p->out_used = 0;
  return ASSAY_OK;
}

assay_feed_file_capture assay_packets_count(const assay_packets *p) { return p->count; }

bool assay_packets_lost_before(assay_packets *p, uint64_t at) {
  const uint64_t asked = p->losses_asked;
  while (p->losses_asked < p->losses_known && p->losses[p->losses_asked % MOST_LOSSES] < at) p->losses_asked++;
  return p->losses_asked != asked;
}
