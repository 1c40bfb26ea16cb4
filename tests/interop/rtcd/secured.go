package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// What a server shows by TLS, and who signed it: itself. This process and those that it starts
// believe nobody else (SSL_CERT_FILE).
type identity struct{ dir, cert, key string }

func newIdentity() *identity {
	dir, err := os.MkdirTemp("", "rtcd-interop-")
	must(err)
	own := &identity{dir, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	text, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	what := x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, &what, &what, &key.PublicKey, key)
	must(err)
	must(os.WriteFile(own.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0600))
	must(os.WriteFile(own.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0600))
	must(os.Setenv("SSL_CERT_FILE", own.cert))
	return own
}

func (own *identity) forget() { os.RemoveAll(own.dir) }

// A server whose API is by TLS.
func secured(own *identity) group {
	return group{[]scenario{
		{"by TLS: registering, once", register, ""},
		{"by TLS: two voices, muted and not", voices, ""},
		{"by TLS: a message over 1 MiB closes with 1009", tooLarge, ""},
		{"by TLS: the C client registers, joins, is listed, leaves", cClient, ""},
	}, func(s *server) []string {
		s.secure = true
		return []string{"RTCD_API_HTTP_TLS_ENABLE=true", "RTCD_API_HTTP_TLS_CERTFILE=" + own.cert,
			"RTCD_API_HTTP_TLS_CERTKEY=" + own.key}
	}}
}
