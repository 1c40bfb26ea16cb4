#include "proto/sctp.h"

#include <usrsctp.h>

#include "fuzz.h"
#include "proto/channels.h"

/* A peer that is past its handshake may say anything in a well-formed packet. The input is
 * such packets: a length, so many octets of chunks; the header is put in front with the right
 * tag and sum. Whatever they say, the same stack carries a message between two others. */
enum { HEADER = 12, PACKET_MAX = 255, TAG = 4, CRC = 8 };

static struct sctp_stack *stack;
static usec now;

/* Carries all that two say, until neither has more. The tag that `to_a` carried last, which
 * is a's, is kept. */
static void pump(struct channels *a, struct channels *b, uint8_t tag[4], size_t *messages)
{
    struct channels *ends[] = {a, b};
    for (int quiet = 0; quiet < 2;) {
        quiet++;
        for (int i = 0; i < 2; i++) {
            struct channels_out o;
            while (ends[i] && sl_channels_poll(ends[i], &o, now)) {
                *messages += o.kind == CHANNELS_MESSAGE;
                if (o.kind != CHANNELS_SEND || !ends[1 - i])
                    continue;
                if (i == 1)
                    memcpy(tag, o.bytes.p + TAG, 4);
                quiet = 0;
                sl_channels_input(ends[1 - i], o.bytes, now);
            }
        }
    }
}

static struct channels *new_end(bool client)
{
    struct channels *c = sl_channels_new(stack,
                                         &(struct channels_conf){.local_port = 5000,
                                                                 .remote_port = 5000,
                                                                 .dtls_client = client,
                                                                 .receive_max = 1000},
                                         now);
    MUST(c);
    return c;
}

static void say(struct channels *a, struct channels *b, uint16_t stream, bool open)
{
    static const struct dcep_open plain;
    uint8_t tag[4];
    size_t messages = 0;
    if (open)
        MUST(sl_channels_open(a, stream, &plain, false, now) == E_OK);
    pump(a, b, tag, &messages);
    MUST(sl_channels_send(a, stream, false, span_of("x"), now) == E_OK);
    pump(a, b, tag, &messages);
    MUST(messages == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct channels *other[2];
    if (!stack) {
        MUST((stack = sl_sctp_stack_new(0)));
        other[0] = new_end(true);
        other[1] = new_end(false);
        say(other[0], other[1], 0, true);
    }
    uint8_t tag[4] = {0};
    size_t messages = 0;
    struct channels *a = new_end(true), *b = new_end(false);
    say(a, b, 0, true);
    (void)sl_channels_send(b, 0, false, span_of("y"), now);
    pump(a, b, tag, &messages);
    struct rd r = rd_of((struct span){p, n});
    while (r.n > 0) {
        uint8_t d[HEADER + PACKET_MAX] = {0x13, 0x88, 0x13, 0x88};
        struct span chunks = rd_span(&r, rd_u8(&r));
        if (r.bad)
            break;
        size_t len = HEADER + chunks.n;
        memcpy(d + TAG, tag, sizeof tag);
        if (chunks.n > 0)
            memcpy(d + HEADER, chunks.p, chunks.n);
        uint32_t crc = usrsctp_crc32c(d, len);
        memcpy(d + CRC, &crc, sizeof crc);
        sl_channels_input(a, (struct span){d, len}, now);
        now += MSEC(5);
        pump(a, NULL, tag, &messages);
    }
    now += SEC(1);
    sl_sctp_stack_tick(stack, now);
    pump(a, NULL, tag, &messages);
    sl_channels_free(a);
    sl_channels_free(b);
    say(other[0], other[1], 0, false);
    return 0;
}
