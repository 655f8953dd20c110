package simulate

import (
	"context"
	"time"
)

// parcel is what one request carries.
type parcel struct {
	path      string // below /v1/
	plain     bool   // text/plain, as from a browser
	body      []byte // up to the members that are added when it is sent, without the closing brace
	numbers   []uint64
	due       time.Time // zero: whenever it can be sent
	duplicate bool
}

// packer puts events into parcels and lets go of each when it is due.
type packer struct {
	generator *Generator
	delivery  Delivery
	tally     *tally
	sizes     weighted
	dice      dice
	from      time.Time
	began     time.Time

	batch *parcel
	size  int       // of batch, when full
	first time.Time // the time of its first event
	taken uint64
}

func newPacker(g *Generator, d Delivery, t *tally) *packer {
	return &packer{
		generator: g, delivery: d, tally: t, sizes: newWeighted(d.Batches, func(b BatchSize) float64 { return b.Share }),
		dice: throwFor(g.config.Seed, 0, forParcels), from: g.config.From, began: t.began,
	}
}

// pack runs until the stream ends, the limit is reached or ctx is done.
func (p *packer) pack(ctx context.Context, out chan<- *parcel) {
	var e Event
	// What lingers in simulated time lingers as long by the clock; a negative linger fills every batch.
	linger := time.Duration(float64(p.delivery.Linger) * p.delivery.Speed)
	switch {
	case p.delivery.Live:
		linger = p.delivery.Linger
	case p.delivery.Speed == 0:
		linger = -1
	}
	last := p.from
	for p.delivery.Limit == 0 || p.taken < p.delivery.Limit {
		if !p.generator.Next(&e) {
			break
		}
		if p.batch != nil && linger >= 0 && e.Time.Sub(p.first) > linger {
			if !p.send(ctx, out, p.close(), p.first.Add(linger)) {
				return
			}
		}
		p.taken++
		last = e.Time
		if ready := p.add(&e); ready != nil && !p.send(ctx, out, ready, e.Time) {
			return
		}
	}
	if p.batch != nil {
		p.send(ctx, out, p.close(), last)
	}
}

// add puts an event into a parcel and returns that parcel if it is complete.
func (p *packer) add(e *Event) *parcel {
	if e.Browser && p.delivery.Alone > 0 && p.dice.chance(p.delivery.Alone) {
		return &parcel{path: shortPath(e.Type), plain: true, body: append([]byte(nil), e.JSON[:len(e.JSON)-1]...), numbers: []uint64{e.Number}}
	}
	if p.batch == nil {
		p.size = p.delivery.Batches[p.sizes.draw(&p.dice)].Events
		p.first = e.Time
		p.batch = &parcel{path: "batch", body: make([]byte, 0, min(p.size*900+64, maxBatchBytes+8192)), numbers: make([]uint64, 0, p.size)}
		p.batch.body = append(p.batch.body, `{"batch":[`...)
	} else {
		p.batch.body = append(p.batch.body, ',')
	}
	p.batch.body = append(p.batch.body, e.JSON...)
	p.batch.numbers = append(p.batch.numbers, e.Number)
	if len(p.batch.numbers) >= p.size || len(p.batch.body) >= maxBatchBytes {
		return p.close()
	}
	return nil
}

// close completes the batch that is being filled.
func (p *packer) close() *parcel {
	full := p.batch
	full.body = append(full.body, ']')
	p.batch = nil
	return full
}

// send waits until the simulated time at is due and lets go of the parcel, twice where it is to be a duplicate. It
// returns false when ctx is done.
func (p *packer) send(ctx context.Context, out chan<- *parcel, full *parcel, at time.Time) bool {
	full.due = p.due(at)
	if wait := time.Until(full.due); wait > 0 {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
	p.tally.taken(p.taken, at)
	parcels := []*parcel{full}
	if p.dice.chance(p.delivery.Duplicates) {
		again := *full
		again.duplicate = true
		parcels = append(parcels, &again)
	}
	for _, one := range parcels {
		select {
		case out <- one:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// due returns when what is complete at a simulated time is to be sent; the zero time is whenever it can be.
func (p *packer) due(at time.Time) time.Time {
	switch {
	case p.delivery.Live && at.After(p.began):
		return at
	case p.delivery.Speed > 0:
		return p.began.Add(time.Duration(float64(at.Sub(p.from)) / p.delivery.Speed))
	}
	return time.Time{}
}

// shortPath returns where the browser's SDK posts a call of this type: /v1/t for track.
func shortPath(kind string) string { return kind[:1] }
