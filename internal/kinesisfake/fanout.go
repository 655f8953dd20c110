package kinesisfake

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// consumer is one registered for enhanced fan-out.
type consumer struct {
	name       string
	arn        string
	created    time.Time
	subscribed map[string]*subscription // by shard
}

// subscription is one reader of a shard. ended is closed when another takes its place.
type subscription struct {
	began time.Time
	ended chan struct{}
}

func (c *consumer) describe() map[string]any {
	return map[string]any{"ConsumerName": c.name, "ConsumerARN": c.arn, "ConsumerStatus": "ACTIVE", "ConsumerCreationTimestamp": seconds(c.created)}
}

type consumerInput struct {
	named
	ConsumerName, ConsumerARN string
}

func (s *Service) registerStreamConsumer(in consumerInput) (any, error) {
	st, err := s.stream(in.named)
	if err != nil {
		return nil, err
	}
	if st.consumers[in.ConsumerName] != nil {
		return nil, refuse(inUse, "Consumer %s under stream %s already exists.", in.ConsumerName, st.name)
	}
	c := &consumer{
		name: in.ConsumerName, arn: st.arn() + "/consumer/" + in.ConsumerName + ":1", created: s.options.Now(),
		subscribed: map[string]*subscription{},
	}
	st.consumers[in.ConsumerName] = c
	return map[string]any{"Consumer": c.describe()}, nil
}

// consumer finds one by its ARN, or by its name and stream.
func (s *Service) consumer(in consumerInput) (*stream, *consumer, error) {
	if in.ConsumerARN != "" {
		in.StreamARN, in.ConsumerName, _ = strings.Cut(in.ConsumerARN, "/consumer/")
		in.ConsumerName = strings.TrimSuffix(in.ConsumerName, ":1")
	}
	st, err := s.stream(in.named)
	if err != nil {
		return nil, nil, err
	}
	c := st.consumers[in.ConsumerName]
	if c == nil {
		return nil, nil, refuse(notFound, "Consumer %s under stream %s not found.", in.ConsumerName, st.name)
	}
	return st, c, nil
}

func (s *Service) describeStreamConsumer(in consumerInput) (any, error) {
	st, c, err := s.consumer(in)
	if err != nil {
		return nil, err
	}
	d := c.describe()
	d["StreamARN"] = st.arn()
	return map[string]any{"ConsumerDescription": d}, nil
}

func (s *Service) deregisterStreamConsumer(in consumerInput) (any, error) {
	st, c, err := s.consumer(in)
	if err != nil {
		return nil, err
	}
	for _, sub := range c.subscribed {
		close(sub.ended)
	}
	delete(st.consumers, c.name)
	return nil, nil
}

type subscribeInput struct {
	ConsumerARN      string
	ShardId          string
	StartingPosition place
}

// subscribe begins a subscription, in the place of the consumer's last one to the shard.
func (s *Service) subscribe(body []byte) (st *stream, sh *shard, sub *subscription, after uint64, err error) {
	var in subscribeInput
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, nil, nil, 0, refuse("SerializationException", "%v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Calls["SubscribeToShard"]++
	if s.rolled(s.faults.FailCalls) {
		return nil, nil, nil, 0, &failure{http.StatusInternalServerError, internal, "a fault before the call"}
	}
	st, c, err := s.consumer(consumerInput{ConsumerARN: in.ConsumerARN})
	if err != nil {
		return nil, nil, nil, 0, err
	}
	if sh, err = st.find(in.ShardId); err != nil {
		return nil, nil, nil, 0, err
	}
	now := s.options.Now()
	if last := c.subscribed[sh.id]; last != nil {
		if now.Sub(last.began) < s.options.ResubscribeAfter {
			return nil, nil, nil, 0, refuse(inUse, "Another active subscription exists for this consumer: %s", c.arn)
		}
		close(last.ended)
		delete(c.subscribed, sh.id)
	}
	if after, err = s.after(st, sh, in.StartingPosition); err != nil {
		return nil, nil, nil, 0, err
	}
	sub = &subscription{began: now, ended: make(chan struct{})}
	c.subscribed[sh.id] = sub
	return st, sh, sub, after, nil
}

// heartbeat is how often a subscription says something when there is nothing to say.
const heartbeat = 100 * time.Millisecond

// subscribeToShard sends records as they come, until the subscription's time is over.
func (s *Service) subscribeToShard(w http.ResponseWriter, r *http.Request, body []byte) {
	st, sh, sub, after, err := s.subscribe(body)
	if err != nil {
		answer(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	send := func(kind string, payload any) bool {
		text, err := json.Marshal(payload)
		if err != nil {
			return false
		}
		var message bytes.Buffer
		err = eventstream.NewEncoder().Encode(&message, eventstream.Message{
			Headers: eventstream.Headers{
				{Name: ":message-type", Value: eventstream.StringValue("event")},
				{Name: ":event-type", Value: eventstream.StringValue(kind)},
				{Name: ":content-type", Value: eventstream.StringValue("application/json")},
			},
			Payload: text,
		})
		if err != nil {
			return false
		}
		_, err = w.Write(message.Bytes())
		return err == nil && flush.Flush() == nil
	}
	// The first message must be this one, else Amazon's SDK for Go gives up.
	if !send("initial-response", map[string]any{}) {
		return
	}
	over := time.NewTimer(s.options.SubscriptionLife)
	defer over.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		s.mu.Lock()
		change := s.change
		f := s.from(st, sh, after, maxGet)
		event := map[string]any{"Records": f.records, "MillisBehindLatest": f.behind}
		if f.children == nil {
			event["ContinuationSequenceNumber"] = st.sequence(sh, f.after)
		} else {
			event["ChildShards"] = f.children
		}
		s.mu.Unlock()
		after = f.after
		if !send("SubscribeToShardEvent", event) || f.children != nil {
			return
		}
		if f.behind > 0 {
			continue
		}
		select {
		case <-change:
		case <-beat.C:
		case <-sub.ended:
			return
		case <-over.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}
