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
with facts as (select e.bucket, case when i.user_id is not null then i.user_id when e.named > 0 then e.u else e.d end as a from (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, hash(e.user_id) as u, hash(e.anonymous_id) as d, count(e.user_id) as named from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1, 2, 3) e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) i on i.anonymous_id = e.d group by 1, 2) select 0 as rank, bucket, number from (select bucket, cast(count(*) as double precision) as number from (select distinct bucket, a from facts) people group by bucket) buckets union all select 0, -1, number from (select cast(count(*) as double precision) as number from (select distinct a from facts) people) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- people of the greatest countries
with facts as (select e.bucket, e.k1, case when i.user_id is not null then i.user_id when e.named > 0 then e.u else e.d end as a from (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, e."country" as k1, hash(e.user_id) as u, hash(e.anonymous_id) as d, count(e.user_id) as named from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1, 2, 3, 4) e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) i on i.anonymous_id = e.d group by 1, 2, 3), top as (select row_number() over (order by number desc nulls last, no_k1, k1) as rank, k1, no_k1 from (select number, coalesce(k1, '') as k1, case when k1 is null then 1 else 0 end as no_k1 from (select k1, cast(count(*) as double precision) as number from (select distinct k1, a from facts) people group by k1) groups) named order by 1 limit 3), ranked as (select f.*, coalesce(t.rank, 0) as rank, coalesce(t.k1, '') as shown_k1, coalesce(t.no_k1, 0) as shown_no_k1 from facts f left join top t on coalesce(f.k1, '') = t.k1 and (case when f.k1 is null then 1 else 0 end) = t.no_k1)
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
with facts as (select bucket, count(v) as n, sum(v) as s, min(v) as low, max(v) as high from (select epoch_us(e."timestamp") - (epoch_us(e."timestamp") - ?) % ? as bucket, cast(e."screen_width" as double precision) as v from events e left join identities i on i.anonymous_id = e.anonymous_id left join users u on u.user_id = coalesce(i.user_id, e.user_id, e.anonymous_id) left join (select case when i.user_id is not null then i.user_id when e.named > 0 then e.u else e.d end as person from (select hash(e.user_id) as u, hash(e.anonymous_id) as d, count(e.user_id) as named, count(*) as n from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and json_extract_string(e."properties", '/price') is not null group by 1, 2) e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) i on i.anonymous_id = e.d group by 1 having sum(e.n) >= ?) d0 on d0.person = hash(coalesce(i.user_id, e.user_id, e.anonymous_id)) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and (coalesce(e."country" in (cast(? as varchar), cast(? as varchar)), false) and (coalesce(case when json_type(e."properties", '/cart/total') in ('UBIGINT', 'BIGINT', 'DOUBLE') then try_cast(json_extract_string(e."properties", '/cart/total') as double) end between cast(? as double precision) and cast(? as double precision), false) or not (coalesce(regexp_matches(json_extract_string(e."properties", '/a.b'), ?), false)) or coalesce(e."is_bot" = ?, false) or coalesce(e."received_at" < ?, false)) and not (coalesce(json_extract_string(u.traits, '/plan') = cast(? as varchar), false)) and not (d0.person is not null))) numbers group by 1) select 0 as rank, bucket, number from (select bucket, cast(sum(s) / nullif(sum(n), 0) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(sum(s) / nullif(sum(n), 0) as double precision) as number from facts) whole;
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

-- a funnel
with hits as (select case when k.user_id is not null then k.user_id else case when e.user_id is not null then hash(e.user_id) else hash(e.anonymous_id) end end as p, epoch_us(e."timestamp") as t, list_position([?, ?, ?], e.event) as s from events e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) k on k.anonymous_id = hash(e.anonymous_id) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and list_contains([?, ?, ?], e.event) and e.event in (?, ?, ?)), l1 as (select p, t, s, max(case when s = 1 and t < ? then t end) over (partition by p order by t, s rows between unbounded preceding and current row) as a from hits), l2 as (select p, t, s, max(case when s = 2 and t - a <= ? then a end) over (partition by p order by t, s rows between unbounded preceding and current row) as a from l1 where (s >= 2 and a is not null)), reached as (select p, a, 2 as k, t from l1 where s = 2 and t - a <= ? union all select p, a, 3 as k, t from l2 where s = 3 and t - a <= ?), began as (select h.p, min(h.t) as t from hits h where h.s = 1 and h.t < ? group by h.p), attempts as (select p, a, max(k) as far, min(case when k = 2 then t end) as t2, min(case when k = 3 then t end) as t3 from reached group by p, a), best as (select x.*, row_number() over (partition by p order by far desc, case far when 2 then t2 when 3 then t3 end, a desc) as place from attempts x), one as (select b.p, coalesce(x.far, 1) as far, coalesce(x.a, b.t) as t1, x.t2, x.t3 from began b left join best x on x.p = b.p and x.place = 1), long as (select 1 as step, 0 as since, cast(null as double precision) as took from one union all select 2, 0, cast(t2 - t1 as double precision) from one where far >= 2 union all select 2, 1, cast(t2 - t1 as double precision) from one where far >= 2 union all select 3, 0, cast(t3 - t1 as double precision) from one where far >= 3 union all select 3, 1, cast(t3 - t2 as double precision) from one where far >= 3) select -1 as rank, step, since, count(*) as people, percentile_cont(0.5) within group (order by took) as median, avg(took) as mean from long group by step, since;
-- 1: View
-- 2: Add
-- 3: Buy
-- 4: 2026-10-27T00:00:00Z
-- 5: 2026-12-10T00:00:00Z
-- 6: track
-- 7: View
-- 8: Add
-- 9: Buy
-- 10: View
-- 11: Add
-- 12: Buy
-- 13: 1795651200000000
-- 14: 1209600000000
-- 15: 1209600000000
-- 16: 1209600000000
-- 17: 1795651200000000

-- a funnel of steps that overlap, with an exclusion, by country
with hits as (select e.p, e.t, e.k1, n.s from (select hash(coalesce(i.user_id, e.user_id, e.anonymous_id)) as p, epoch_us(e."timestamp") as t, e."country" as k1, case when e.type = ? and e.event = ? then 1 else 0 end as c1, case when e.type = ? and e.event = ? and (coalesce(e."country" in (cast(? as varchar), cast(? as varchar)), false) and (coalesce(case when json_type(e."properties", '/cart/total') in ('UBIGINT', 'BIGINT', 'DOUBLE') then try_cast(json_extract_string(e."properties", '/cart/total') as double) end between cast(? as double precision) and cast(? as double precision), false) or not (coalesce(regexp_matches(json_extract_string(e."properties", '/a.b'), ?), false)) or coalesce(e."is_bot" = ?, false) or coalesce(e."received_at" < ?, false)) and not (coalesce(json_extract_string(u.traits, '/plan') = cast(? as varchar), false)) and not (d0.person is not null)) then 1 else 0 end as c2, case when e.type = ? and e.event = ? then 1 else 0 end as c3, case when e.type = ? and e.event = ? then 1 else 0 end as x1 from events e left join identities i on i.anonymous_id = e.anonymous_id left join users u on u.user_id = coalesce(i.user_id, e.user_id, e.anonymous_id) left join (select case when i.user_id is not null then i.user_id when e.named > 0 then e.u else e.d end as person from (select hash(e.user_id) as u, hash(e.anonymous_id) as d, count(e.user_id) as named, count(*) as n from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and json_extract_string(e."properties", '/price') is not null group by 1, 2) e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) i on i.anonymous_id = e.d group by 1 having sum(e.n) >= ?) d0 on d0.person = hash(coalesce(i.user_id, e.user_id, e.anonymous_id)) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and list_contains([?, ?, ?, ?], e.event) and e.event in (?, ?, ?, ?)) e cross join (select 1 as s union all select 2 as s union all select 3 as s union all select -1 as s) n where n.s = 1 and e.c1 = 1 or n.s = 2 and e.c2 = 1 or n.s = 3 and e.c3 = 1 or n.s = -1 and e.x1 = 1 and e.c1 = 0 and e.c2 = 0 and e.c3 = 0), l1 as (select p, t, s, max(case when s = 1 and t < ? then t end) over (partition by p order by t, case when s < 0 then 1 else 0 end, s desc rows between unbounded preceding and current row) as a from hits), l2 as (select p, t, s, max(start) over (partition by p, gone order by t, case when s < 0 then 1 else 0 end, s rows between unbounded preceding and current row) as a from (select p, t, s, case when s = 2 and t - a <= ? then a end as start, sum(case when s in (-1) then 1 else 0 end) over (partition by p order by t, case when s < 0 then 1 else 0 end, s rows between unbounded preceding and current row) as gone from l1 where (s >= 2 and a is not null) or s in (-1)) x), reached as (select p, a, 2 as k, t from l1 where s = 2 and t - a <= ? union all select p, a, 3 as k, t from l2 where s = 3 and t - a <= ?), began as (select h.p, min(h.t) as t from hits h where h.s = 1 and h.t < ? group by h.p), attempts as (select p, a, max(k) as far, min(case when k = 2 then t end) as t2, min(case when k = 3 then t end) as t3 from reached group by p, a), best as (select x.*, row_number() over (partition by p order by far desc, case far when 2 then t2 when 3 then t3 end, a desc) as place from attempts x), one as (select b.p, coalesce(x.far, 1) as far, coalesce(x.a, b.t) as t1, x.t2, x.t3 from began b left join best x on x.p = b.p and x.place = 1), valued as (select v.*, row_number() over (partition by v.p order by case when v.k1 is null then 1 else 0 end, v.k1) as place from (select o.p, h.k1 from one o join hits h on h.p = o.p and h.t = o.t1 and h.s = 1) v), found as (select o.*, v.k1 from one o left join valued v on v.p = o.p and v.place = 1), top as (select row_number() over (order by number desc nulls last, no_k1, k1) as rank, k1, no_k1 from (select number, coalesce(k1, '') as k1, case when k1 is null then 1 else 0 end as no_k1 from (select k1, count(*) as number from found group by k1) groups) named order by 1 limit 10), ranked as (select f.*, coalesce(t.rank, 0) as rank, coalesce(t.k1, '') as shown_k1, coalesce(t.no_k1, 0) as shown_no_k1 from found f left join top t on coalesce(f.k1, '') = t.k1 and (case when f.k1 is null then 1 else 0 end) = t.no_k1), long as (select rank, shown_k1, shown_no_k1, 1 as step, 0 as since, cast(null as double precision) as took from ranked union all select rank, shown_k1, shown_no_k1, 2, 0, cast(t2 - t1 as double precision) from ranked where far >= 2 union all select rank, shown_k1, shown_no_k1, 2, 1, cast(t2 - t1 as double precision) from ranked where far >= 2 union all select rank, shown_k1, shown_no_k1, 3, 0, cast(t3 - t1 as double precision) from ranked where far >= 3 union all select rank, shown_k1, shown_no_k1, 3, 1, cast(t3 - t2 as double precision) from ranked where far >= 3) select -1 as rank, '' as shown_k1, 0 as shown_no_k1, step, since, count(*) as people, percentile_cont(0.5) within group (order by took) as median, avg(took) as mean from long group by step, since union all select rank, shown_k1, shown_no_k1, step, since, count(*) as people, percentile_cont(0.5) within group (order by took) as median, avg(took) as mean from long group by rank, shown_k1, shown_no_k1, step, since;
-- 1: track
-- 2: View
-- 3: track
-- 4: View
-- 5: DE
-- 6: it's
-- 7: 1
-- 8: 2.5
-- 9: [kKK]
-- 10: true
-- 11: 2026-11-24T00:00:00Z
-- 12: pro
-- 13: track
-- 14: Add
-- 15: track
-- 16: Help
-- 17: 2026-11-02T00:00:00Z
-- 18: 2026-11-30T00:00:00Z
-- 19: track
-- 20: Buy
-- 21: 2
-- 22: 2026-10-27T00:00:00Z
-- 23: 2026-11-26T02:00:00Z
-- 24: View
-- 25: View
-- 26: Add
-- 27: Help
-- 28: View
-- 29: View
-- 30: Add
-- 31: Help
-- 32: 1795651200000000
-- 33: 7200000000
-- 34: 7200000000
-- 35: 7200000000
-- 36: 1795651200000000

-- a funnel in any order
with hits as (select case when k.user_id is not null then k.user_id else case when e.user_id is not null then hash(e.user_id) else hash(e.anonymous_id) end end as p, epoch_us(e."timestamp") as t, list_position([?, ?, ?], e.event) as s from events e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) k on k.anonymous_id = hash(e.anonymous_id) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and list_contains([?, ?, ?], e.event) and e.event in (?, ?, ?)), ahead as (select p, t, s, min(case when s < 0 then t end) over (partition by p order by t, s rows between current row and unbounded following) as x, min(case when s = 1 then t end) over (partition by p order by t, s rows between current row and unbounded following) as d1, min(case when s = 2 then t end) over (partition by p order by t, s rows between current row and unbounded following) as d2, min(case when s = 3 then t end) over (partition by p order by t, s rows between current row and unbounded following) as d3 from hits), done as (select p, a, s, min(t) as t from (select p, t as a, d1 as t, 1 as s from ahead where s > 0 and t < ? and d1 - t <= ? and 1 = 1 union all select p, t as a, d2 as t, 2 as s from ahead where s > 0 and t < ? and d2 - t <= ? and 1 = 1 union all select p, t as a, d3 as t, 3 as s from ahead where s > 0 and t < ? and d3 - t <= ? and 1 = 1) x group by p, a, s), reached as (select p, a, k, t from (select p, a, t, row_number() over (partition by p, a order by t) as k from done) x where k > 1), began as (select h.p, min(h.t) as t from hits h where h.s > 0 and h.t < ? group by h.p), attempts as (select p, a, max(k) as far, min(case when k = 2 then t end) as t2, min(case when k = 3 then t end) as t3 from reached group by p, a), best as (select x.*, row_number() over (partition by p order by far desc, case far when 2 then t2 when 3 then t3 end, a desc) as place from attempts x), one as (select b.p, coalesce(x.far, 1) as far, coalesce(x.a, b.t) as t1, x.t2, x.t3 from began b left join best x on x.p = b.p and x.place = 1), long as (select 1 as step, 0 as since, cast(null as double precision) as took from one union all select 2, 0, cast(t2 - t1 as double precision) from one where far >= 2 union all select 2, 1, cast(t2 - t1 as double precision) from one where far >= 2 union all select 3, 0, cast(t3 - t1 as double precision) from one where far >= 3 union all select 3, 1, cast(t3 - t2 as double precision) from one where far >= 3) select -1 as rank, step, since, count(*) as people, percentile_cont(0.5) within group (order by took) as median, avg(took) as mean from long group by step, since;
-- 1: View
-- 2: Add
-- 3: Buy
-- 4: 2026-10-27T00:00:00Z
-- 5: 2026-12-10T00:00:00Z
-- 6: track
-- 7: View
-- 8: Add
-- 9: Buy
-- 10: View
-- 11: Add
-- 12: Buy
-- 13: 1795651200000000
-- 14: 1209600000000
-- 15: 1795651200000000
-- 16: 1209600000000
-- 17: 1795651200000000
-- 18: 1209600000000
-- 19: 1795651200000000

-- a strict funnel
with numbered as (select p, t, c1, c2, c3, case when c1 = 1 then 1 when c2 = 1 then 2 when c3 = 1 then 3 else 4 end as low, row_number() over (partition by p order by t, case when c1 = 1 then 1 when c2 = 1 then 2 when c3 = 1 then 3 else 4 end, message_id, source) as n from (select case when k.user_id is not null then k.user_id else case when e.user_id is not null then hash(e.user_id) else hash(e.anonymous_id) end end as p, epoch_us(e."timestamp") as t, e.message_id, e.source, case when e.type = ? and e.event = ? then 1 else 0 end as c1, case when e.type = ? and e.event = ? then 1 else 0 end as c2, case when e.type = ? and e.event = ? then 1 else 0 end as c3 from events e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) k on k.anonymous_id = hash(e.anonymous_id) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot) e), hits as (select * from numbered where low <= 3), l1 as (select p, t, n, c1, c2, c3, case when c1 = 1 and t < ? then t end as a from hits), l2 as (select p, t, n, c1, c2, c3, case when c2 = 1 and last = n - 1 and t - began <= ? then began end as a from (select l.*, lag(n) over (partition by p order by n) as last, lag(a) over (partition by p order by n) as began from l1 l) x), l3 as (select p, t, n, c1, c2, c3, case when c3 = 1 and last = n - 1 and t - began <= ? then began end as a from (select l.*, lag(n) over (partition by p order by n) as last, lag(a) over (partition by p order by n) as began from l2 l) x), reached as (select p, a, n - 1 as n, 2 as k, t from l2 where a is not null union all select p, a, n - 2 as n, 3 as k, t from l3 where a is not null), began as (select h.p, min(h.t) as t from hits h where h.c1 = 1 and h.t < ? group by h.p), attempts as (select p, a, n, max(k) as far, min(case when k = 2 then t end) as t2, min(case when k = 3 then t end) as t3 from reached group by p, a, n), best as (select x.*, row_number() over (partition by p order by far desc, case far when 2 then t2 when 3 then t3 end, a desc, t2, t3) as place from attempts x), one as (select b.p, coalesce(x.far, 1) as far, coalesce(x.a, b.t) as t1, x.t2, x.t3 from began b left join best x on x.p = b.p and x.place = 1), long as (select 1 as step, 0 as since, cast(null as double precision) as took from one union all select 2, 0, cast(t2 - t1 as double precision) from one where far >= 2 union all select 2, 1, cast(t2 - t1 as double precision) from one where far >= 2 union all select 3, 0, cast(t3 - t1 as double precision) from one where far >= 3 union all select 3, 1, cast(t3 - t2 as double precision) from one where far >= 3) select -1 as rank, step, since, count(*) as people, percentile_cont(0.5) within group (order by took) as median, avg(took) as mean from long group by step, since;
-- 1: track
-- 2: View
-- 3: track
-- 4: Add
-- 5: track
-- 6: Buy
-- 7: 2026-10-27T00:00:00Z
-- 8: 2026-12-10T00:00:00Z
-- 9: 1795651200000000
-- 10: 1209600000000
-- 11: 1209600000000
-- 12: 1795651200000000

-- people who dropped
with who as (with hits as (select coalesce(i.user_id, e.user_id, e.anonymous_id) as p, epoch_us(e."timestamp") as t, list_position([?, ?, ?], e.event) as s from events e left join identities i on i.anonymous_id = e.anonymous_id where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and list_contains([?, ?, ?], e.event) and e.event in (?, ?, ?)), l1 as (select p, t, s, max(case when s = 1 and t < ? then t end) over (partition by p order by t, s rows between unbounded preceding and current row) as a from hits), l2 as (select p, t, s, max(case when s = 2 and t - a <= ? then a end) over (partition by p order by t, s rows between unbounded preceding and current row) as a from l1 where (s >= 2 and a is not null)), reached as (select p, a, 2 as k, t from l1 where s = 2 and t - a <= ? union all select p, a, 3 as k, t from l2 where s = 3 and t - a <= ?), began as (select h.p, min(h.t) as t from hits h where h.s = 1 and h.t < ? group by h.p), attempts as (select p, a, max(k) as far, min(case when k = 2 then t end) as t2, min(case when k = 3 then t end) as t3 from reached group by p, a), best as (select x.*, row_number() over (partition by p order by far desc, case far when 2 then t2 when 3 then t3 end, a desc) as place from attempts x), one as (select b.p, coalesce(x.far, 1) as far, coalesce(x.a, b.t) as t1, x.t2, x.t3 from began b left join best x on x.p = b.p and x.place = 1) select p as person, cast(far as bigint) as events, t1 as "first", case far when 1 then t1 when 2 then t2 when 3 then t3 end as "last" from one where far = 2), found as (select w.person, w.events, w.first, w.last, cast(u.traits as varchar) as traits from who w left join users u on u.user_id = w.person),
			page as (select * from found order by last desc, person limit ? offset ?)
		select c.people, c.events, c.found, page.person, page.events, page.first, page.last, page.traits
			from (select (select count(*) from who) as people, (select cast(coalesce(sum(events), 0) as bigint) from who) as events, (select count(*) from found) as found) c
			left join page on 1 = 1 order by page.last desc, page.person;
-- 1: View
-- 2: Add
-- 3: Buy
-- 4: 2026-10-27T00:00:00Z
-- 5: 2026-12-10T00:00:00Z
-- 6: track
-- 7: View
-- 8: Add
-- 9: Buy
-- 10: View
-- 11: Add
-- 12: Buy
-- 13: 1795651200000000
-- 14: 1209600000000
-- 15: 1209600000000
-- 16: 1209600000000
-- 17: 1795651200000000
-- 18: 100
-- 19: 0

-- retention by week
with seen as (select u, d, bit_or(m) as m from (select e.user_id as u, e.anonymous_id as d, case when e.day >= cast(? as date) and e.day < cast(? as date) then cast(1 as bigint) when e.day >= cast(? as date) and e.day < cast(? as date) then cast(2 as bigint) when e.day >= cast(? as date) and e.day < cast(? as date) then cast(4 as bigint) when e.day >= cast(? as date) and e.day < cast(? as date) then cast(8 as bigint) end as m from id_days e where e.day >= cast(? as date) and e.day < cast(? as date) and not e.is_bot) e where m is not null group by 1, 2), both_ways as (select case when i.user_id is not null then i.user_id when e.u <> 0 then e.u else e.d end as p, bit_or(e.m) as m
		from seen e left join (select coalesce(md5_number_lower(anonymous_id), 0) as anonymous_id, coalesce(md5_number_lower(user_id), 0) as user_id from identities) i on i.anonymous_id = e.d group by 1), one as (select r.p, case when (r.m & 1) <> 0 then 0 when (r.m & 2) <> 0 then 1 when (r.m & 4) <> 0 then 2 when (r.m & 8) <> 0 then 3 end as c, r.m from both_ways r) select -1 as rank, c, count(*) as size, cast(sum(case when (m & 1) <> 0 then 1 else 0 end) as bigint) as b0, cast(sum(case when (m & 2) <> 0 then 1 else 0 end) as bigint) as b1, cast(sum(case when (m & 4) <> 0 then 1 else 0 end) as bigint) as b2, cast(sum(case when (m & 8) <> 0 then 1 else 0 end) as bigint) as b3 from one group by c;
-- 1: 2026-11-02
-- 2: 2026-11-09
-- 3: 2026-11-09
-- 4: 2026-11-16
-- 5: 2026-11-16
-- 6: 2026-11-23
-- 7: 2026-11-23
-- 8: 2026-11-30
-- 9: 2026-11-02
-- 10: 2026-11-30

-- rolling retention of those who buy for the first time ever
with starts as (select case when i.user_id is not null then i.user_id when e.named > 0 then e.u else e.d end as p, epoch_us(min(e.t)) as t from (select hash(e.user_id) as u, hash(e.anonymous_id) as d, count(e.user_id) as named, min(e."timestamp") as t from events e where e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1, 2) e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) i on i.anonymous_id = e.d group by 1), returns as (select case when k.user_id is not null then k.user_id else case when e.user_id is not null then hash(e.user_id) else hash(e.anonymous_id) end end as p, bit_or(cast(1 as bigint) << cast(least(((epoch_us(e."timestamp") - s.t) - (epoch_us(e."timestamp") - s.t) % ?) / ?, 61) as integer)) as m from events e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) k on k.anonymous_id = hash(e.anonymous_id) join starts s on s.p = case when k.user_id is not null then k.user_id else case when e.user_id is not null then hash(e.user_id) else hash(e.anonymous_id) end end where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and epoch_us(e."timestamp") >= s.t group by 1), one as (select s.p, s.t, cast(? + ((s.t - ?) - (s.t - ?) % ?) / ? as integer) as c, coalesce(r.m, 0) as m from starts s left join returns r on r.p = s.p where s.t >= ?) select -1 as rank, c, count(*) as size, cast(sum(case when m >= 1 then 1 else 0 end) as bigint) as b0, cast(sum(case when m >= 2 then 1 else 0 end) as bigint) as b1, cast(sum(case when m >= 4 then 1 else 0 end) as bigint) as b2, cast(sum(case when m >= 8 then 1 else 0 end) as bigint) as b3 from one group by c;
-- 1: 2026-11-30T00:00:00Z
-- 2: track
-- 3: Buy
-- 4: 604800000000
-- 5: 604800000000
-- 6: 2026-11-02T00:00:00Z
-- 7: 2026-11-30T00:00:00Z
-- 8: 0
-- 9: 1793577600000000
-- 10: 1793577600000000
-- 11: 604800000000
-- 12: 604800000000
-- 13: 1793577600000000

-- paths
with happened as (select case when k.user_id is not null then k.user_id else case when e.user_id is not null then hash(e.user_id) else hash(e.anonymous_id) end end as p, epoch_us(e."timestamp") as t, e.type || ' ' || coalesce(e.event, '') as label, case when e.type = ? and e.event = ? then 1 else 0 end as begins from events e left join (select hash(anonymous_id) as anonymous_id, hash(user_id) as user_id from identities) k on k.anonymous_id = hash(e.anonymous_id) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot), ordered as (select h.*, row_number() over (partition by p order by t, label, begins) as i from happened h), gaps as (select o.*, case when abs(t - lag(t) over (partition by p order by i)) <= ? then 0 else 1 end as opens from ordered o), stretches as (select g.*, sum(opens) over (partition by p order by i rows between unbounded preceding and current row) as s1 from gaps g), numbered as (select h.*, row_number() over (partition by p, s1 order by i) as n from stretches h), begun as (select n.*, min(case when begins = 1 then n end) over (partition by p, s1) as first_n from numbered n), paths as (select p, max(case when n = first_n then t end) as began, max(case when n = first_n + 0 then label end) as n0, max(case when n = first_n + 1 then label end) as n1, max(case when n = first_n + 2 then label end) as n2 from begun where n >= first_n and n <= first_n + 2 group by p, s1), tops as (select step, label, place from (select step, label, row_number() over (partition by step order by number desc, label) as place from (select 0 as step, n0 as label, count(*) as number from paths where n0 is not null group by n0 union all select 1 as step, n1 as label, count(*) as number from paths where n1 is not null group by n1 union all select 2 as step, n2 as label, count(*) as number from paths where n2 is not null group by n2) counts) c where place <= 8), ranked as (select x.*, case when x.n0 is null then -1 else coalesce(t0.place, 0) end as r0, case when x.n1 is null then -1 else coalesce(t1.place, 0) end as r1, case when x.n2 is null then -1 else coalesce(t2.place, 0) end as r2 from paths x left join tops t0 on t0.step = 0 and t0.label = x.n0 left join tops t1 on t1.step = 1 and t1.label = x.n1 left join tops t2 on t2.step = 2 and t2.label = x.n2) select * from (select 0 as what, 0 as step, r0 as a, 0 as b, count(*) as paths, count(distinct p) as people, max(case when r0 > 0 then n0 end) as n0, cast(null as varchar), cast(null as varchar) from ranked group by r0 union all select 0 as what, 1 as step, r1 as a, 0 as b, count(*) as paths, count(distinct p) as people, max(case when r1 > 0 then n1 end) as n0, cast(null as varchar), cast(null as varchar) from ranked where r0 <> -1 group by r1 union all select 0 as what, 2 as step, r2 as a, 0 as b, count(*) as paths, count(distinct p) as people, max(case when r2 > 0 then n2 end) as n0, cast(null as varchar), cast(null as varchar) from ranked where r1 <> -1 group by r2 union all select 1, 0, r0, r1, count(*), count(distinct p), cast(null as varchar), cast(null as varchar), cast(null as varchar) from ranked where r0 <> -1 group by r0, r1 union all select 1, 1, r1, r2, count(*), count(distinct p), cast(null as varchar), cast(null as varchar), cast(null as varchar) from ranked where r1 <> -1 group by r1, r2 union all select 2, cast(place as integer), 0, 0, paths, people, n0, n1, n2 from (select w.*, row_number() over (order by paths desc, case when n0 is null then 0 else 1 end, n0, case when n1 is null then 0 else 1 end, n1, case when n2 is null then 0 else 1 end, n2) as place from (select n0, n1, n2, count(*) as paths, count(distinct p) as people from paths group by n0, n1, n2) w) w where place <= 20) answer order by what, step, case when a > 0 then 0 else 1 end, abs(a), case when b > 0 then 0 else 1 end, abs(b);
-- 1: track
-- 2: View
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: 1800000000

-- people behind a group
with who as (select case when i.user_id is not null then i.user_id when e.named > 0 then e.u else e.d end as person, cast(sum(e.n) as bigint) as events, min(e.first) as first, max(e.last) as last from (select e.user_id as u, e.anonymous_id as d, count(e.user_id) as named, count(*) as n, min(epoch_us(e."timestamp")) as first, max(epoch_us(e."timestamp")) as last from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and coalesce(e."country" = cast(? as varchar), false) group by 1, 2) e left join identities i on i.anonymous_id = e.d group by 1), found as (select w.person, w.events, w.first, w.last, cast(u.traits as varchar) as traits from who w left join users u on u.user_id = w.person where regexp_matches(w.person, ?) or w.person in (select user_id from identities where regexp_matches(anonymous_id, ?)) or coalesce(regexp_matches(json_extract_string(u.traits, '/email'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/name'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/firstName'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/lastName'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/username'), ?), false) or coalesce(regexp_matches(json_extract_string(u.traits, '/phone'), ?), false)),
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

