package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	js "github.com/nats-io/nats.go/jetstream"
)

// newMaxBytes is the limit of a new stream when none is asked for.
const newMaxBytes = 8 << 30

// ensure finds the stream or makes it, and gives its configuration.
func ensure(ctx context.Context, api js.JetStream, options Options) (js.StreamConfig, error) {
	for {
		found, err := api.Stream(ctx, options.Name)
		if err == nil {
			return fit(ctx, api, found.CachedInfo().Config, options)
		}
		if !errors.Is(err, js.ErrStreamNotFound) {
			return js.StreamConfig{}, fmt.Errorf("looking for stream %q: %w", options.Name, err)
		}
		made, err := api.CreateStream(ctx, js.StreamConfig{
			Name:      options.Name,
			Subjects:  []string{options.Name},
			Storage:   js.FileStorage,
			Retention: js.LimitsPolicy,
			Discard:   js.DiscardNew,
			MaxBytes:  orDefault(options.MaxBytes, newMaxBytes),
			Replicas:  max(options.Replicas, 1),
			FirstSeq:  uint64(time.Now().UnixMicro()),
		})
		if err == nil {
			return made.CachedInfo().Config, nil
		}
		if !errors.Is(err, js.ErrStreamNameAlreadyInUse) { // else somebody was quicker; theirs is looked at
			return js.StreamConfig{}, fmt.Errorf("making stream %q: %w", options.Name, err)
		}
	}
}

// fit checks that a stream that exists keeps what it is given, and gives it the limits that were asked for.
func fit(ctx context.Context, api js.JetStream, config js.StreamConfig, options Options) (js.StreamConfig, error) {
	for _, demand := range []struct {
		met       bool
		name      string
		want, got any
	}{
		{config.Storage == js.FileStorage, "storage", js.FileStorage, config.Storage},
		{config.Retention == js.LimitsPolicy, "retention", js.LimitsPolicy, config.Retention},
		{config.Discard == js.DiscardNew, "discard", js.DiscardNew, config.Discard},
		{config.MaxAge == 0, "max age", time.Duration(0), config.MaxAge},
		{config.MaxMsgsPerSubject <= 0, "max messages per subject", -1, config.MaxMsgsPerSubject},
		{len(config.Subjects) == 1 && !strings.ContainsAny(config.Subjects[0], "*>"), "subjects", "one, without wildcards", config.Subjects},
	} {
		if !demand.met {
			return config, fmt.Errorf("stream %q could lose events: its %s must be %v; it is %v", config.Name, demand.name, demand.want, demand.got)
		}
	}
	before := config
	config.MaxBytes = orDefault(options.MaxBytes, config.MaxBytes)
	config.Replicas = orDefault(options.Replicas, config.Replicas)
	if config.MaxBytes == before.MaxBytes && config.Replicas == before.Replicas {
		return config, nil
	}
	if _, err := api.UpdateStream(ctx, config); err != nil {
		return config, fmt.Errorf("changing stream %q from %d bytes and %d replicas to %d and %d: %w",
			config.Name, before.MaxBytes, before.Replicas, config.MaxBytes, config.Replicas, err)
	}
	return config, nil
}

func orDefault[N int | int64](n, standard N) N {
	if n == 0 {
		return standard
	}
	return n
}
