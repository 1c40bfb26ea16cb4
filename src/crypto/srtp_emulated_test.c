/* The kernels for AVX-512 beside OpenSSL's on any CPU that has AVX2: all of srtp_backend_test, on
 * kernels whose instructions are emulated. */
#define SRTP_EMULATED

#include "crypto/srtp_backend_test.c"
#include "crypto/srtp_sha1x16.c"
#include "crypto/srtp_vaes.c"
#include "crypto/srtp_x86.c"
