package main

import (
	"encoding/binary"
	"net"
	"sync"
	"syscall"
	"time"

	pion "github.com/pion/transport/v4"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/transport/v4/stdnet"
	"golang.org/x/net/ipv4"
)

const (
	houseOctets = 1 << 20 // that wait for one client
	socketQueue = 8 << 20
	fromOctets  = 6 // before each packet that waits: its sender's address and port
	largest     = 2048
	nap         = 200 * time.Microsecond
)

// One socket for all clients of this process, who are told apart by their addresses in 127.16/12. Nobody
// waits on it, not even Go's poller, which does not know it: on loopback to wake a reader is the
// sender's work, which a server has with no client in the world outside.
type street struct {
	sock int
	port int

	mu     sync.RWMutex
	houses map[uint32]*house
	built  uint32
}

func newStreet() *street {
	sock, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	// Root may have more than the system's limit.
	_ = syscall.SetsockoptInt(sock, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, socketQueue)
	must(syscall.SetsockoptInt(sock, syscall.IPPROTO_IP, syscall.IP_PKTINFO, 1))
	must(syscall.Bind(sock, &syscall.SockaddrInet4{}))
	at, err := syscall.Getsockname(sock)
	must(err)
	st := &street{sock: sock, port: at.(*syscall.SockaddrInet4).Port, houses: map[uint32]*house{}}
	go st.deliver()
	return st
}

func number(ip net.IP) uint32 { return binary.BigEndian.Uint32(ip.To4()) }

func (st *street) deliver() {
	packet, control := make([]byte, fromOctets+largest), make([]byte, 64)
	for {
		n, controlled, _, sender, err := syscall.Recvmsg(st.sock, packet[fromOctets:], control, syscall.MSG_DONTWAIT)
		if err != nil {
			time.Sleep(nap)
			continue
		}
		from, is := sender.(*syscall.SockaddrInet4)
		var cm ipv4.ControlMessage
		if !is || cm.Parse(control[:controlled]) != nil {
			continue
		}
		st.mu.RLock()
		h := st.houses[number(cm.Dst)]
		st.mu.RUnlock()
		if h == nil {
			continue
		}
		copy(packet, from.Addr[:])
		binary.BigEndian.PutUint16(packet[4:], uint16(from.Port))
		_, _ = h.box.Write(packet[:fromOctets+n])
	}
}

// A network of its own for one client, with one address.
func (st *street) door() (pion.Net, error) {
	std, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	st.mu.Lock()
	st.built++
	ip := make(net.IP, net.IPv4len)
	binary.BigEndian.PutUint32(ip, 127<<24|16<<16|st.built)
	st.mu.Unlock()
	return &door{Net: std, street: st, ip: ip}, nil
}

type door struct {
	*stdnet.Net
	street *street
	ip     net.IP
}

func (d *door) Interfaces() ([]*pion.Interface, error) {
	i := pion.NewInterface(net.Interface{Index: 1, Name: "lo", Flags: net.FlagUp | net.FlagLoopback})
	i.AddAddress(&net.IPNet{IP: d.ip, Mask: net.CIDRMask(8, 32)})
	return []*pion.Interface{i}, nil
}

func (d *door) ListenUDP(network string, at *net.UDPAddr) (pion.UDPConn, error) {
	if !at.IP.Equal(d.ip) {
		return nil, pion.ErrNotSupported
	}
	box := packetio.NewBuffer()
	box.SetLimitSize(houseOctets)
	h := &house{street: d.street, at: &net.UDPAddr{IP: d.ip, Port: d.street.port}, box: box,
		source: (&ipv4.ControlMessage{Src: d.ip}).Marshal()}
	d.street.mu.Lock()
	d.street.houses[number(d.ip)] = h
	d.street.mu.Unlock()
	return h, nil
}

// What a client takes for its socket.
type house struct {
	street *street
	at     *net.UDPAddr
	box    *packetio.Buffer
	source []byte
}

func (h *house) LocalAddr() net.Addr  { return h.at }
func (h *house) RemoteAddr() net.Addr { return nil }

func (h *house) Close() error {
	h.street.mu.Lock()
	delete(h.street.houses, number(h.at.IP))
	h.street.mu.Unlock()
	return h.box.Close()
}

func (h *house) ReadFromUDP(to []byte) (int, *net.UDPAddr, error) {
	packet := make([]byte, fromOctets+len(to))
	n, err := h.box.Read(packet)
	if err != nil {
		return 0, nil, err
	}
	from := &net.UDPAddr{IP: net.IP(packet[:4]), Port: int(binary.BigEndian.Uint16(packet[4:]))}
	return copy(to, packet[fromOctets:n]), from, nil
}

func (h *house) ReadFrom(to []byte) (int, net.Addr, error) {
	n, from, err := h.ReadFromUDP(to)
	if err != nil {
		return n, nil, err
	}
	return n, from, nil
}

func (h *house) ReadMsgUDP(to, _ []byte) (int, int, int, *net.UDPAddr, error) {
	n, from, err := h.ReadFromUDP(to)
	return n, 0, 0, from, err
}

func (h *house) Read(to []byte) (int, error) {
	n, _, err := h.ReadFromUDP(to)
	return n, err
}

func (h *house) WriteToUDP(data []byte, to *net.UDPAddr) (int, error) {
	at := &syscall.SockaddrInet4{Port: to.Port}
	copy(at.Addr[:], to.IP.To4())
	return syscall.SendmsgN(h.street.sock, data, h.source, at, 0)
}

func (h *house) WriteTo(data []byte, to net.Addr) (int, error) {
	udp, is := to.(*net.UDPAddr)
	if !is {
		return 0, pion.ErrNotUDPAddress
	}
	return h.WriteToUDP(data, udp)
}

func (h *house) WriteMsgUDP(data, _ []byte, to *net.UDPAddr) (int, int, error) {
	n, err := h.WriteToUDP(data, to)
	return n, 0, err
}

func (h *house) Write([]byte) (int, error) { return 0, pion.ErrNotSupported } // of whom nobody is the other end

func (h *house) SetDeadline(at time.Time) error     { return h.box.SetReadDeadline(at) }
func (h *house) SetReadDeadline(at time.Time) error { return h.box.SetReadDeadline(at) }
func (*house) SetWriteDeadline(time.Time) error     { return nil }
func (*house) SetReadBuffer(int) error              { return nil }
func (*house) SetWriteBuffer(int) error             { return nil }
