package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	multitude       = 1000 // who listen, in one call
	multitudeBar    = 80.0 // kB of each, the user's and the kernel's
	multitudeHears  = 10 * time.Second
	multitudeWithin = 10 * time.Minute
)

// Listeners with a data channel, which every session of rtcd has: what each costs the server while all of them are
// connected and hear one who speaks. Clients are Pion's. args: --check, --only=N, and sluice=BINARY.
func benchListeners(file string, args []string) int {
	count, check, binary := multitude, false, ""
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "--check":
			check = true
		case "--only":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				count = n
			}
		case "sluice":
			binary = value
		}
	}
	_ = exec.Command("taskset", "-a", "-c", "-p", "1-64", fmt.Sprint(os.Getpid())).Run()
	time.AfterFunc(multitudeWithin, func() {
		fmt.Printf("FAIL not done within %v\n", multitudeWithin)
		os.Exit(1)
	})
	s := newServer("sluice", binary)
	s.under, s.sockets = []string{"taskset", "-c", "0"}, 1
	must(s.start())
	defer s.kill()
	rows, err := s.multitude(count)
	if err != nil {
		fmt.Printf("FAIL %v\n", err)
		return 1
	}
	return conclude(file, rows, check)
}

func (s *server) multitude(count int) ([]row, error) {
	n, err := s.connected()
	if err != nil {
		return nil, err
	}
	n.viaChannel, n.noAV1 = true, true
	board, call := newSwitchboard(n), newID()
	some, err := n.talkers(board, call, 2) // one who speaks, and what the first listener costs once and for all
	if err != nil {
		return nil, err
	}
	voice, err := some[0].begin(false)
	if err != nil {
		return nil, err
	}
	defer close(voice.stop)
	if err = some[1].hears("voice", some[0].session); err != nil {
		return nil, err
	}
	user, tables, begun := s.pss(), s.pageTables(), time.Now()
	many, err := n.talkers(board, call, count)
	if err != nil {
		return nil, err
	}
	joined := time.Since(begun).Seconds()
	if err = together(count, func(i int) error { return many[i].hears("voice", some[0].session) }); err != nil {
		return nil, err
	}
	time.Sleep(multitudeHears)
	each := func(octets float64) float64 { return octets / float64(count) / 1000 }
	user, tables = each(s.pss()-user), each(s.pageTables()-tables)
	if err = leaveAll(append(some, many...)); err != nil {
		return nil, err
	}
	return []row{
		figure("listeners with a data channel that joined", float64(count)/joined, "1/s"),
		figure("memory of each, user", user, "kB"),
		figure("memory of each, kernel", tables, "kB"),
		figure(fmt.Sprintf("memory of each of %d", count), user+tables, "kB").atMost(multitudeBar),
	}, nil
}
