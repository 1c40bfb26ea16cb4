package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const adminKey = "admin_secret_key"

// A server under test, told everything as an operator of rtcd tells it: by its variables.
type server struct {
	name, binary, dir string
	port, media       int
	sockets           int
	secure            bool     // its API is by TLS
	under             []string // a command that runs it
	outside           int      // the port that the world knows, if it is not that of media
	env               []string // what it is told besides
	street            *street  // where its talkers are at home; nil: each has sockets of its own
	cmd               *exec.Cmd
	ended             chan error
	log               *os.File
}

// Free for TCP and UDP; one of those that rtcd takes, and below those that the kernel hands out
// (ip_local_port_range), so that nobody's outgoing connection gets it meanwhile.
func freePort() int {
	for {
		at := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(20000))
		l, err := net.Listen("tcp", at)
		if err != nil {
			continue
		}
		l.Close()
		if c, err := net.ListenPacket("udp", at); err == nil {
			defer c.Close()
			return l.Addr().(*net.TCPAddr).Port
		}
	}
}

func newServer(name, binary string) *server {
	dir, err := os.MkdirTemp("", "rtcd-interop-")
	must(err)
	return &server{name: name, binary: binary, dir: dir, port: freePort(), media: freePort(), outside: freePort(),
		sockets: 2}
}

func (s *server) url() string {
	if s.secure {
		return fmt.Sprintf("https://127.0.0.1:%d", s.port)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", s.port)
}

func (s *server) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0600)
	must(err)
	s.log = log
	args := append(append([]string{}, s.under...), s.binary)
	if s.name == "sluice" {
		args = append(args, "serve")
	}
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Dir = s.dir
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // however we end
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.Env = append(os.Environ(),
		fmt.Sprintf("RTCD_API_HTTP_LISTENADDRESS=127.0.0.1:%d", s.port),
		"RTCD_API_SECURITY_ALLOWSELFREGISTRATION=true",
		"RTCD_API_SECURITY_ENABLEADMIN=true",
		"RTCD_API_SECURITY_ADMINSECRETKEY="+adminKey,
		"RTCD_RTC_ICEADDRESSUDP=127.0.0.1", fmt.Sprintf("RTCD_RTC_ICEPORTUDP=%d", s.media),
		"RTCD_RTC_ICEADDRESSTCP=127.0.0.1", fmt.Sprintf("RTCD_RTC_ICEPORTTCP=%d", s.media),
		fmt.Sprintf("RTCD_RTC_UDPSOCKETSCOUNT=%d", s.sockets), fmt.Sprintf("SLUICE_RTC_WORKERS=%d", s.sockets),
		"RTCD_STORE_DATASOURCE="+filepath.Join(s.dir, "store"),
		"RTCD_LOGGER_ENABLEFILE=false",
		"SLUICE_LIMITS_LOAD=0") // with sanitizers a packet costs ten times as much
	s.cmd.Env = append(s.cmd.Env, s.env...)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.cmd.Wait() }()
	for i := 0; i < 1200; i++ {
		if resp, err := http.Get(s.url() + "/version"); err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case err := <-s.ended:
			return fmt.Errorf("%s has ended: %v; its log is %s", s.name, err, log.Name())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not answer; its log is %s", s.name, log.Name())
}

func (s *server) terminate() { _ = s.cmd.Process.Signal(syscall.SIGTERM) }

// Waits for the end of the process, which must be a good one.
func (s *server) wait(limit time.Duration) error {
	select {
	case err := <-s.ended:
		s.log.Close()
		return err
	case <-time.After(limit):
		return fmt.Errorf("%s still runs after %v", s.name, limit)
	}
}

// What it said last, where it is gone and nobody has ended it.
func (s *server) died() string {
	select {
	case err := <-s.ended:
		text, _ := os.ReadFile(s.log.Name())
		return fmt.Sprintf("%v\n%s", err, text[max(0, len(text)-4000):])
	default:
		return ""
	}
}

// Ends it with no chance to say anything. It may be started again.
func (s *server) crash() error {
	must(s.cmd.Process.Kill())
	if err := s.wait(10 * time.Second); err != nil && s.cmd.ProcessState == nil {
		return err
	}
	return nil
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	os.RemoveAll(s.dir)
}
