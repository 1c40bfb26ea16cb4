// Drives Sluice as rtcd's own Go client does, and the real rtcd beside it: what both are asked, and
// where they differ.
//
//	rtcd-interop [only=WORD] [client=BINARY] [embed=BINARY] sluice=BINARY [rtcd=BINARY]
//	rtcd-interop bench JSON [--check] sluice=BINARY rtcd=BINARY
//
// The first three stand before the servers that they are for.
package main

import (
	"fmt"
	"os"
	"strings"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func try(s *server, run func(*server) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return run(s)
}

func main() {
	if len(os.Args) > 3 && os.Args[1] == "bench" {
		os.Exit(bench(os.Args[2], os.Args[3:]))
	}
	passed, failed, only := 0, 0, ""
	for _, arg := range os.Args[1:] {
		name, binary, _ := strings.Cut(arg, "=")
		switch name {
		case "only":
			only = binary
			continue
		case "client":
			lineClient = binary
			continue
		case "embed":
			lineServer = binary
			continue
		}
		s := newServer(name, binary)
		if err := s.start(); err != nil {
			fmt.Println("FAIL", err)
			failed++
			continue
		}
		for _, sc := range append(scenarios, channelScenarios...) {
			if !strings.Contains(sc.name, only) {
				continue
			}
			err := try(s, sc.run)
			switch {
			case err == nil:
				fmt.Printf("ok   %s: %s\n", name, sc.name)
				passed++
			case name != "sluice" && sc.differs != "":
				fmt.Printf("ok   %s differs: %s (%s)\n", name, sc.name, sc.differs)
				passed++
			default:
				fmt.Printf("FAIL %s: %s: %v\n", name, sc.name, err)
				failed++
			}
		}
		s.terminate()
		s.kill()
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
