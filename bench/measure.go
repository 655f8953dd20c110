package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// idle: what a server takes that has nothing to do.
func idle(ctx context.Context, o *Options, s *sample) (err error) {
	server, err := startServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	pause(ctx, 5*time.Second)
	before, _, _, err := server.usage()
	if err != nil {
		return err
	}
	pause(ctx, 10*time.Second)
	after, resident, _, err := server.usage()
	s.add("idle: resident memory", "MiB", float64(resident)/(1<<20))
	s.add("idle: processor", "% of one", (after-before)*10)
	return err
}

// singles: requests of one event each, every one fsynced before its answer.
func singles(ctx context.Context, o *Options, s *sample) (err error) {
	server, err := startServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	all, err := bodies(server.host, o.Singles*8, 1)
	if err != nil {
		return err
	}
	t := &traffic{server: server, bodies: all, clients: o.Singles}
	sending, stop := context.WithTimeout(ctx, min(o.Duration, 20*time.Second))
	defer stop()
	began := time.Now()
	if err := t.run(sending); err != nil {
		return err
	}
	took := time.Since(began)
	if _, err := server.settled(ctx, t.acknowledged.Load()); err != nil {
		return err
	}
	name := fmt.Sprintf("one event a request, %d connections: ", o.Singles)
	s.add(name+"accepted and fsynced", "requests/s", float64(t.acknowledged.Load())/took.Seconds())
	s.add(name+"latency p50", "ms", float64(t.latency.ValueAtQuantile(50))/1000)
	s.add(name+"latency p99", "ms", float64(t.latency.ValueAtQuantile(99))/1000)
	return nil
}

// throughput: as many events as the line carries, from the first request to the last row.
func throughput(ctx context.Context, o *Options, s *sample) (err error) {
	server, err := startServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	all, err := bodies(server.host, o.Clients*16, o.Batch)
	if err != nil {
		return err
	}
	t := &traffic{server: server, bodies: all, clients: o.Clients}
	cpuBefore, _, _, err := server.usage()
	if err != nil {
		return err
	}
	sending, stop := context.WithTimeout(ctx, o.Duration)
	defer stop()
	began := time.Now()
	if err := t.run(sending); err != nil {
		return err
	}
	door := time.Since(began)
	events := float64(t.acknowledged.Load())
	end, err := server.settled(ctx, t.acknowledged.Load())
	if err != nil {
		return err
	}
	cpu, _, peak, err := server.usage()
	if err != nil {
		return err
	}
	bytes := 0
	for _, b := range all {
		bytes += len(b.text) - b.head
	}
	stream, err := treeBytes(filepath.Join(server.dir, "stream"))
	if err != nil {
		return err
	}
	pause(ctx, 2*time.Second) // a checkpoint
	total, err := treeBytes(server.dir)
	if err != nil {
		return err
	}
	s.add("end to end: sent, deduplicated, enriched, in the warehouse", "events/s", events/end.Sub(began).Seconds())
	s.add("end to end: at the door while sending", "events/s", events/door.Seconds())
	s.add("end to end: behind when sending ended", "s", end.Sub(began.Add(door)).Seconds())
	s.add("end to end: request latency p50", "ms", float64(t.latency.ValueAtQuantile(50))/1000)
	s.add("end to end: request latency p99", "ms", float64(t.latency.ValueAtQuantile(99))/1000)
	s.add("end to end: requests refused and sent again", "requests", float64(t.refused.Load()))
	s.add("end to end: server's processor time", "µs/event", (cpu-cpuBefore)*1e6/events)
	s.add("end to end: server's peak memory", "MiB", float64(peak)/(1<<20))
	s.add("size of an event as sent", "bytes", float64(bytes)/float64(len(all)*o.Batch))
	s.add("size of an event in the stream", "bytes", float64(stream)/events)
	s.add("size of an event in the warehouse", "bytes", float64(total-stream)/events)
	return nil
}

// freshness: at a fixed rate, how long from an event's 200 until a query sees it.
func freshness(ctx context.Context, o *Options, s *sample) (err error) {
	server, err := startServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	all, err := bodies(server.host, o.Clients*16, o.Batch)
	if err != nil {
		return err
	}
	t := &traffic{server: server, bodies: all, clients: o.Clients, rate: float64(o.Rate)}
	sending, stop := context.WithTimeout(ctx, min(o.Duration, 30*time.Second))
	defer stop()
	p := &probes{server: server, sent: map[string]time.Time{}}
	var work sync.WaitGroup
	errs := make(chan error, 3)
	for _, do := range []func(context.Context) error{t.run, p.send, p.look} {
		work.Go(func() { errs <- do(sending) })
	}
	work.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	if len(p.seen) < 20 {
		return fmt.Errorf("only %d probes were seen", len(p.seen))
	}
	slices.Sort(p.seen)
	quantile := func(q float64) float64 { return p.seen[min(int(q*float64(len(p.seen))), len(p.seen)-1)].Seconds() }
	name := fmt.Sprintf("freshness at %d events/s: ", o.Rate)
	s.add(name+"200 to visible, p50", "s", quantile(.5))
	s.add(name+"200 to visible, p99", "s", quantile(.99))
	s.add(name+"request latency p99", "ms", float64(t.latency.ValueAtQuantile(99))/1000)
	return nil
}

// probes are single events whose way to the warehouse is timed.
type probes struct {
	server *server
	mu     sync.Mutex
	sent   map[string]time.Time // acknowledged, and not seen yet
	seen   []time.Duration
}

// send puts a probe through the door every 50 ms.
func (p *probes) send(ctx context.Context) error {
	c, err := dial(ctx, p.server.host)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	for n := 0; sleepUntil(ctx, time.Now().Add(50*time.Millisecond)); n++ {
		id := fmt.Sprintf("probe-%d", n)
		var b body
		b.finish(p.server.host, "/v1/track", fmt.Appendf(nil, `{"event":"Bench Probe","userId":"probe","messageId":%q}`, id))
		status, _, err := c.send(b.text)
		if err != nil {
			return err
		}
		if status == 200 {
			p.mu.Lock()
			p.sent[id] = time.Now()
			p.mu.Unlock()
		}
	}
	return nil
}

// look asks the warehouse for the probes that are on their way.
func (p *probes) look(ctx context.Context) error {
	for sleepUntil(ctx, time.Now().Add(25*time.Millisecond)) {
		p.mu.Lock()
		waiting, oldest := make([]string, 0, len(p.sent)), time.Now()
		for id, at := range p.sent {
			waiting = append(waiting, "'"+id+"'")
			if at.Before(oldest) {
				oldest = at
			}
		}
		p.mu.Unlock()
		if len(waiting) == 0 {
			continue
		}
		var row struct{ IDs *string }
		err := p.server.sql(ctx, fmt.Sprintf(`select string_agg(message_id, ',') as ids from events where received_at >= timestamptz '%s'
			and event = 'Bench Probe' and message_id in (%s)`, oldest.Add(-time.Second).UTC().Format(time.RFC3339Nano), strings.Join(waiting, ",")), &row)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		now := time.Now()
		p.mu.Lock()
		if row.IDs != nil {
			for id := range strings.SplitSeq(*row.IDs, ",") {
				p.seen = append(p.seen, now.Sub(p.sent[id]))
				delete(p.sent, id)
			}
		}
		p.mu.Unlock()
	}
	return nil
}

// pause waits; false: ctx ended.
func pause(ctx context.Context, d time.Duration) bool { return sleepUntil(ctx, time.Now().Add(d)) }
