/*
 * A client of the calls of a server elsewhere, of Sluice or rtcd: lines in, lines out (lines.h).
 *
 *   cc client.c -o client $(pkg-config --cflags --libs sluice)
 *   ./client http://127.0.0.1:8045 ID KEY
 *   ./client https://10.0.0.5:8045 ID KEY PIN
 *
 * PIN is the SHA-256 of the server's certificate, where no authority that this machine trusts has
 * signed it (openssl x509 -noout -fingerprint -sha256). It registers where it is not known, and its
 * sessions outlive it.
 */

#include "lines.h"

static enum sluice_err send_to(void *client, const struct sluice_message *m)
{
    return sluice_client_send(client, m);
}

static void say_lost(void *ctx)
{
    (void)ctx;
    (void)printf("lost\n");
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    char error[SLUICE_ERROR_MAX];
    struct sluice_client *client = NULL;
    if (argc != 4 && argc != 5) {
        (void)fprintf(stderr, "usage: client URL ID KEY [PIN]\n");
        return EXIT_FAILURE;
    }
    const struct sluice_client_conf conf = {.url = argv[1],
                                            .id = argv[2],
                                            .key = argv[3],
                                            .pin = argv[4], /* NULL, if it is not there */
                                            .registers = true,
                                            .message = print,
                                            .lost = say_lost};
    if (sluice_client_connect(&conf, &client, error) != SLUICE_OK) {
        (void)fprintf(stderr, "%s\n", error);
        return EXIT_FAILURE;
    }
    read_lines(send_to, client);
    sluice_client_free(client);
    return EXIT_SUCCESS;
}
