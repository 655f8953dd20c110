package query

import (
	"encoding/json"
	"sync"
	"time"
)

// cache keeps answers, those used last, within a size.
type cache struct {
	mu      sync.Mutex
	room    int64
	used    int64
	entries map[string]*entry
	order   []string // the one used longest ago first
}

// entry is an answer, with what was known of the warehouse when it was given or last found to hold.
type entry struct {
	answer any
	asked  time.Time
	state  state
	size   int64
}

// mostEntries bounds the cache where answers are small.
const mostEntries = 2000

func (c *cache) get(key string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[key]
}

func (c *cache) put(key string, e *entry) {
	if e.size == 0 {
		text, err := json.Marshal(e.answer)
		if err != nil {
			return
		}
		e.size = int64(len(key) + len(text))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[string]*entry{}
	}
	c.drop(key)
	if e.size > c.room {
		return
	}
	c.entries[key] = e
	c.order = append(c.order, key)
	for c.used += e.size; c.used > c.room || len(c.order) > mostEntries; {
		c.drop(c.order[0])
	}
}

func (c *cache) drop(key string) {
	old := c.entries[key]
	if old == nil {
		return
	}
	delete(c.entries, key)
	c.used -= old.size
	for i, k := range c.order {
		if k == key {
			c.order = append(c.order[:i], c.order[i+1:]...)
			break
		}
	}
}
