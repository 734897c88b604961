/* SPDX-License-Identifier: MIT */
/*
 * Captures of a network (pcap, pcapng) as the BinaryFILE that they come to: the messages of MoldUDP64 packets, each once and in order,
 * behind their lengths. What else was on the line is passed.
 */
#ifndef ASSAY_MARKET_FEEDS_PACKETS_H
#define ASSAY_MARKET_FEEDS_PACKETS_H

#include <assay/feed_file.h>

typedef struct assay_packets assay_packets;

/* Whether the first bytes of a file (four are enough) are those of a capture. */
bool assay_packets_are(const uint8_t *bytes, size_t size);
/* NULL: out of memory. */
assay_packets *assay_packets_create(void);
/* Accepts NULL. */
void assay_packets_destroy(assay_packets *packets);
/* Where the next bytes of the capture go: *room of them, and then assay_packets_came; 0 came: that was all. */
uint8_t *assay_packets_room(assay_packets *packets, size_t *room);
void assay_packets_came(assay_packets *packets, size_t count);
/* At most `most` bytes of messages; *got 0: more of the capture is needed, or it is over. ASSAY_ERR_CORRUPT: it is damaged. */
assay_status assay_packets_read(assay_packets *packets, uint8_t *bytes, size_t most, assay_error *err, size_t *got);
assay_feed_file_capture assay_packets_count(const assay_packets *packets);
/* Whether something is missing before byte `at` of all that is given, since it was last asked. */
bool assay_packets_lost_before(assay_packets *packets, uint64_t at);

#endif
