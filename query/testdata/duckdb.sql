-- a count by day
with facts as (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, count(*) as n from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1) select 0 as rank, bucket, number from (select bucket, cast(sum(n) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(sum(n) as double precision) as number from facts) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- a count by hour, where clocks change
with facts as (select case when epoch_us(e."timestamp") < ? then epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? when epoch_us(e."timestamp") < ? then epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? else epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? end as bucket, count(*) as n from events e where e."timestamp" >= ? and e."timestamp" < ? and e.type = ? group by 1) select 0 as rank, bucket, number from (select bucket, cast(sum(n) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(sum(n) as double precision) as number from facts) whole;
-- 1: 1791041400000000
-- 2: 1790947800000000
-- 3: 3600000000
-- 4: 1791043200000000
-- 5: 1791041400000000
-- 6: 1800000000
-- 7: 1791043200000000
-- 8: 3600000000
-- 9: 2026-10-02T13:30:00Z
-- 10: 2026-10-04T13:00:00Z
-- 11: page

-- people
with facts as (select e.bucket, coalesce(i.user_id, e.user_id, e.anonymous_id) as a from (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, e.user_id, e.anonymous_id from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1, 2, 3) e left join identities i on i.anonymous_id = e.anonymous_id group by 1, 2) select 0 as rank, bucket, number from (select bucket, cast(count(*) as double precision) as number from (select distinct bucket, a from facts) people group by bucket) buckets union all select 0, -1, number from (select cast(count(*) as double precision) as number from (select distinct a from facts) people) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- people of the greatest countries
with facts as (select e.bucket, e.k1, coalesce(i.user_id, e.user_id, e.anonymous_id) as a from (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, e."country" as k1, e.user_id, e.anonymous_id from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1, 2, 3, 4) e left join identities i on i.anonymous_id = e.anonymous_id group by 1, 2, 3), top as (select row_number() over (order by number desc nulls last, no_k1, k1) as rank, k1, no_k1 from (select number, coalesce(k1, '') as k1, case when k1 is null then 1 else 0 end as no_k1 from (select k1, cast(count(*) as double precision) as number from (select distinct k1, a from facts) people group by k1) groups) named order by 1 limit 3), ranked as (select f.*, coalesce(t.rank, 0) as rank, coalesce(t.k1, '') as shown_k1, coalesce(t.no_k1, 0) as shown_no_k1 from facts f left join top t on coalesce(f.k1, '') = t.k1 and (case when f.k1 is null then 1 else 0 end) = t.no_k1)
		select rank, shown_k1, shown_no_k1, bucket, number from (select rank, shown_k1, shown_no_k1, bucket, cast(count(*) as double precision) as number from (select distinct rank, shown_k1, shown_no_k1, bucket, a from ranked) people group by rank, shown_k1, shown_no_k1, bucket) buckets union all select rank, shown_k1, shown_no_k1, -1, number from (select rank, shown_k1, shown_no_k1, cast(count(*) as double precision) as number from (select distinct rank, shown_k1, shown_no_k1, a from ranked) people group by rank, shown_k1, shown_no_k1) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- sessions by a trait and a flag
with facts as (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, json_extract_string(u.traits, '/plan') as k1, case when e."is_bot" then 'true' else 'false' end as k2, e.source as a, coalesce(e.anonymous_id, e.user_id) as b, e.session_id as c from events e left join identities i on i.anonymous_id = e.anonymous_id left join users u on u.user_id = coalesce(i.user_id, e.user_id, e.anonymous_id) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and e.session_id is not null group by 1, 2, 3, 4, 5, 6), top as (select row_number() over (order by number desc nulls last, no_k1, k1, no_k2, k2) as rank, k1, no_k1, k2, no_k2 from (select number, coalesce(k1, '') as k1, coalesce(k2, '') as k2, case when k1 is null then 1 else 0 end as no_k1, case when k2 is null then 1 else 0 end as no_k2 from (select k1, k2, cast(count(*) as double precision) as number from (select distinct k1, k2, a, b, c from facts) people group by k1, k2) groups) named order by 1 limit 10), ranked as (select f.*, coalesce(t.rank, 0) as rank, coalesce(t.k1, '') as shown_k1, coalesce(t.no_k1, 0) as shown_no_k1, coalesce(t.k2, '') as shown_k2, coalesce(t.no_k2, 0) as shown_no_k2 from facts f left join top t on coalesce(f.k1, '') = t.k1 and (case when f.k1 is null then 1 else 0 end) = t.no_k1 and coalesce(f.k2, '') = t.k2 and (case when f.k2 is null then 1 else 0 end) = t.no_k2)
		select rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, bucket, number from (select rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, bucket, cast(count(*) as double precision) as number from (select distinct rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, bucket, a, b, c from ranked) people group by rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, bucket) buckets union all select rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, -1, number from (select rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, cast(count(*) as double precision) as number from (select distinct rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, a, b, c from ranked) people group by rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- a percentile of a nested number
with facts as (select * from (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, cast(case when json_type(e."properties", '/cart/total') in ('UBIGINT', 'BIGINT', 'DOUBLE') then try_cast(json_extract_string(e."properties", '/cart/total') as double) end as double precision) as v from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ?) numbers where v is not null) select 0 as rank, bucket, number from (select bucket, cast(percentile_cont(cast(? as double precision)) within group (order by v) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(percentile_cont(cast(? as double precision)) within group (order by v) as double precision) as number from facts) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy
-- 7: 0.95
-- 8: 0.95

-- an average with all kinds of conditions
with facts as (select bucket, count(v) as n, sum(v) as s, min(v) as low, max(v) as high from (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, cast(e."screen_width" as double precision) as v from events e left join identities i on i.anonymous_id = e.anonymous_id left join users u on u.user_id = coalesce(i.user_id, e.user_id, e.anonymous_id) left join (select coalesce(i.user_id, e.user_id, e.anonymous_id) as person from (select e.user_id, e.anonymous_id, count(*) as n from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and json_extract_string(e."properties", '/price') is not null group by 1, 2) e left join identities i on i.anonymous_id = e.anonymous_id group by 1 having sum(e.n) >= ?) d0 on d0.person = coalesce(i.user_id, e.user_id, e.anonymous_id) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and (coalesce(e."country" in (cast(? as varchar), cast(? as varchar)), false) and (coalesce(case when json_type(e."properties", '/cart/total') in ('UBIGINT', 'BIGINT', 'DOUBLE') then try_cast(json_extract_string(e."properties", '/cart/total') as double) end between cast(? as double precision) and cast(? as double precision), false) or not (coalesce(regexp_matches(json_extract_string(e."properties", '/a.b'), ?), false)) or coalesce(e."is_bot" = ?, false) or coalesce(e."received_at" < ?, false)) and not (coalesce(json_extract_string(u.traits, '/plan') = cast(? as varchar), false)) and not (d0.person is not null))) numbers group by 1) select 0 as rank, bucket, number from (select bucket, cast(sum(s) / nullif(sum(n), 0) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(sum(s) / nullif(sum(n), 0) as double precision) as number from facts) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-02T00:00:00Z
-- 4: 2026-11-30T00:00:00Z
-- 5: track
-- 6: Buy
-- 7: 2
-- 8: 2026-11-19T00:00:00Z
-- 9: 2026-11-26T00:00:00Z
-- 10: DE
-- 11: it's
-- 12: 1
-- 13: 2.5
-- 14: [kKK]
-- 15: true
-- 16: 2026-11-24T00:00:00Z
-- 17: pro

-- people behind a group
with who as (select coalesce(i.user_id, e.user_id, e.anonymous_id) as person, cast(sum(e.n) as bigint) as events, min(e.first) as first, max(e.last) as last from (select e.user_id, e.anonymous_id, count(*) as n, min(epoch_us(e."timestamp")) as first, max(epoch_us(e."timestamp")) as last from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and coalesce(e."country" = cast(? as varchar), false) group by 1, 2) e left join identities i on i.anonymous_id = e.anonymous_id group by 1), found as (select w.person, w.events, w.first, w.last, cast(u.traits as varchar) as traits from who w left join users u on u.user_id = w.person where regexp_matches(w.person, ?) or w.person in (select user_id from identities where regexp_matches(anonymous_id, ?)) or coalesce(regexp_matches(json_extract_string(u.traits, '/email'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/name'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/firstName'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/lastName'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/username'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/phone'), ?), false)),
			page as (select * from found order by last desc, person limit ? offset ?)
		select c.people, c.events, c.found, page.person, page.events, page.first, page.last, page.traits
			from (select (select count(*) from who) as people, (select cast(coalesce(sum(events), 0) as bigint) from who) as events, (select count(*) from found) as found) c
			left join page on 1 = 1 order by page.last desc, page.person;
-- 1: 2026-11-19T00:00:00Z
-- 2: 2026-11-26T00:00:00Z
-- 3: track
-- 4: Buy
-- 5: DE
-- 6: [aA][dD][aA]
-- 7: [aA][dD][aA]
-- 8: [aA][dD][aA]
-- 9: [aA][dD][aA]
-- 10: [aA][dD][aA]
-- 11: [aA][dD][aA]
-- 12: [aA][dD][aA]
-- 13: [aA][dD][aA]
-- 14: 100
-- 15: 0

