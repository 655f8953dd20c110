package collect

import (
	"sync"
	"time"

	"github.com/spoorhq/spoor/stream"
)

// filling says when a batch is full, on a stream where a record costs by begun units of its size: just before its record
// would begin another unit. How much text makes a unit, compressed, is learnt from the records before.
type filling struct {
	most int           // bytes of text in a batch, at the most
	unit int           // bytes of a record that cost no more than one; 0: the stream has no units
	wait time.Duration // how long a batch that is not full waits for company

	mu     sync.Mutex
	ratio  float64 // of a record to its text, as it was of late; 0: not yet known
	spread float64 // how far it is off, as it was of late
}

// firstRatio stands in until a record was made: JSON of events comes to less.
const firstRatio = 0.25

// newFilling fits a door's options to its stream. A record must fit whatever its text is, even one that does not compress
// and carries a full list of void numbers.
func newFilling(o Options) *filling {
	f := &filling{most: o.RecordBytes}
	sizer, ok := stream.As[stream.Sizer](o.Log)
	if !ok {
		return f
	}
	sizes := sizer.Sizes()
	if sizes.Largest > 0 {
		f.most = min(f.most, sizes.Largest/2)
	}
	if sizes.Unit > 0 {
		f.unit, f.wait = sizes.Unit-sizes.Frame, max(o.RecordWait, 0)
		if o.Format == JSON {
			f.wait = 0 // each event is a record, in company or not
		}
	}
	return f
}

// full is the text that a batch holds at the most: as much as fills a unit. Text that is not compressed fills as many units
// as it comes to.
func (f *filling) full(format Format) int {
	if f.unit == 0 || format != Compact {
		return f.most
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ratio := f.ratio
	if ratio == 0 {
		ratio = firstRatio
	}
	return min(f.most, int(float64(f.unit)/(ratio+2*f.spread)))
}

// learn takes in what became of a batch. Small ones tell little, for a record's header is not text.
func (f *filling) learn(text, record int) {
	if f.unit == 0 || record < f.unit/8 {
		return
	}
	have := float64(record) / float64(text)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ratio == 0 {
		f.ratio, f.spread = have, have/20
		return
	}
	off := have - f.ratio
	if off < 0 {
		off = -off
	}
	f.ratio += (have - f.ratio) / 8
	f.spread += (off - f.spread) / 8
}
