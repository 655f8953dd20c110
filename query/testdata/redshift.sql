-- a count by day
with facts as (select (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? as bucket, count(*) as n from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1) select 0 as rank, bucket, number from (select bucket, cast(sum(n) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(sum(n) as double precision) as number from facts) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- a count by hour, where clocks change
with facts as (select case when (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) < ? then (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? when (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) < ? then (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? else (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? end as bucket, count(*) as n from events e where e."timestamp" >= ? and e."timestamp" < ? and e.type = ? group by 1) select 0 as rank, bucket, number from (select bucket, cast(sum(n) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(sum(n) as double precision) as number from facts) whole;
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
with facts as (select e.bucket, coalesce(i.user_id, e.user_id, e.anonymous_id) as a from (select (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? as bucket, e.user_id, e.anonymous_id from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1, 2, 3) e left join identities i on i.anonymous_id = e.anonymous_id group by 1, 2) select 0 as rank, bucket, number from (select bucket, cast(count(*) as double precision) as number from (select distinct bucket, a from facts) people group by bucket) buckets union all select 0, -1, number from (select cast(count(*) as double precision) as number from (select distinct a from facts) people) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- people of the greatest countries
with facts as (select e.bucket, e.k1, coalesce(i.user_id, e.user_id, e.anonymous_id) as a from (select (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? as bucket, e."country" as k1, e.user_id, e.anonymous_id from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? group by 1, 2, 3, 4) e left join identities i on i.anonymous_id = e.anonymous_id group by 1, 2, 3), top as (select row_number() over (order by number desc nulls last, no_k1, k1) as rank, k1, no_k1 from (select number, coalesce(k1, '') as k1, case when k1 is null then 1 else 0 end as no_k1 from (select k1, cast(count(*) as double precision) as number from (select distinct k1, a from facts) people group by k1) groups) named order by 1 limit 3), ranked as (select f.*, coalesce(t.rank, 0) as rank, coalesce(t.k1, '') as shown_k1, coalesce(t.no_k1, 0) as shown_no_k1 from facts f left join top t on coalesce(f.k1, '') = t.k1 and (case when f.k1 is null then 1 else 0 end) = t.no_k1)
		select rank, shown_k1, shown_no_k1, bucket, number from (select rank, shown_k1, shown_no_k1, bucket, cast(count(*) as double precision) as number from (select distinct rank, shown_k1, shown_no_k1, bucket, a from ranked) people group by rank, shown_k1, shown_no_k1, bucket) buckets union all select rank, shown_k1, shown_no_k1, -1, number from (select rank, shown_k1, shown_no_k1, cast(count(*) as double precision) as number from (select distinct rank, shown_k1, shown_no_k1, a from ranked) people group by rank, shown_k1, shown_no_k1) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- sessions by a trait and a flag
with facts as (select (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? as bucket, case when json_typeof(u.traits."plan") = 'string' then case when substring(cast(u.traits."plan" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(u.traits."plan" as varchar(65535)), 3) else replace(cast(u.traits."plan" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(u.traits."plan") = 'null' then null when json_size(u.traits."plan") <= 65535 then json_serialize(u.traits."plan") end as k1, case when e."is_bot" then 'true' else 'false' end as k2, e.source as a, coalesce(e.anonymous_id, e.user_id) as b, e.session_id as c from events e left join identities i on i.anonymous_id = e.anonymous_id left join users u on u.user_id = coalesce(i.user_id, e.user_id, e.anonymous_id) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and e.session_id is not null group by 1, 2, 3, 4, 5, 6), top as (select row_number() over (order by number desc nulls last, no_k1, k1, no_k2, k2) as rank, k1, no_k1, k2, no_k2 from (select number, coalesce(k1, '') as k1, coalesce(k2, '') as k2, case when k1 is null then 1 else 0 end as no_k1, case when k2 is null then 1 else 0 end as no_k2 from (select k1, k2, cast(count(*) as double precision) as number from (select distinct k1, k2, a, b, c from facts) people group by k1, k2) groups) named order by 1 limit 10), ranked as (select f.*, coalesce(t.rank, 0) as rank, coalesce(t.k1, '') as shown_k1, coalesce(t.no_k1, 0) as shown_no_k1, coalesce(t.k2, '') as shown_k2, coalesce(t.no_k2, 0) as shown_no_k2 from facts f left join top t on coalesce(f.k1, '') = t.k1 and (case when f.k1 is null then 1 else 0 end) = t.no_k1 and coalesce(f.k2, '') = t.k2 and (case when f.k2 is null then 1 else 0 end) = t.no_k2)
		select rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, bucket, number from (select rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, bucket, cast(count(*) as double precision) as number from (select distinct rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, bucket, a, b, c from ranked) people group by rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, bucket) buckets union all select rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, -1, number from (select rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, cast(count(*) as double precision) as number from (select distinct rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2, a, b, c from ranked) people group by rank, shown_k1, shown_no_k1, shown_k2, shown_no_k2) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy

-- a percentile of a nested number
with facts as (select * from (select (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? as bucket, cast(case when json_typeof(e."properties"."cart"."total") = 'number' then cast(json_serialize(e."properties"."cart"."total") as double precision) when json_typeof(e."properties"."cart"."total") = 'string' then case substring(cast(e."properties"."cart"."total" as varchar(65535)), 1, 2) when '􏿽n' then cast(substring(cast(e."properties"."cart"."total" as varchar(65535)), 3) as double precision)
			when '􏿽z' then cast(0 as double precision) end end as double precision) as v from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ?) numbers where v is not null) select 0 as rank, bucket, number from (select bucket, cast(percentile_cont(cast(? as double precision)) within group (order by v) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(percentile_cont(cast(? as double precision)) within group (order by v) as double precision) as number from facts) whole;
-- 1: 1795046400000000
-- 2: 86400000000
-- 3: 2026-11-19T00:00:00Z
-- 4: 2026-11-26T00:00:00Z
-- 5: track
-- 6: Buy
-- 7: 0.95
-- 8: 0.95

-- an average with all kinds of conditions
with facts as (select bucket, count(v) as n, sum(v) as s, min(v) as low, max(v) as high from (select (cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000)) - ?) % ? as bucket, cast(e."screen_width" as double precision) as v from events e left join identities i on i.anonymous_id = e.anonymous_id left join users u on u.user_id = coalesce(i.user_id, e.user_id, e.anonymous_id) left join (select coalesce(i.user_id, e.user_id, e.anonymous_id) as person from (select e.user_id, e.anonymous_id, count(*) as n from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and case when json_typeof(e."properties"."price") = 'string' then case when substring(cast(e."properties"."price" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(e."properties"."price" as varchar(65535)), 3) else replace(cast(e."properties"."price" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(e."properties"."price") = 'null' then null when json_size(e."properties"."price") <= 65535 then json_serialize(e."properties"."price") end is not null group by 1, 2) e left join identities i on i.anonymous_id = e.anonymous_id group by 1 having sum(e.n) >= ?) d0 on d0.person = coalesce(i.user_id, e.user_id, e.anonymous_id) where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and (coalesce(e."country" in (cast(? as varchar), cast(? as varchar)), false) and (coalesce(case when json_typeof(e."properties"."cart"."total") = 'number' then cast(json_serialize(e."properties"."cart"."total") as double precision) when json_typeof(e."properties"."cart"."total") = 'string' then case substring(cast(e."properties"."cart"."total" as varchar(65535)), 1, 2) when '􏿽n' then cast(substring(cast(e."properties"."cart"."total" as varchar(65535)), 3) as double precision)
			when '􏿽z' then cast(0 as double precision) end end between cast(? as double precision) and cast(? as double precision), false) or not (coalesce((case when json_typeof(e."properties"."a.b") = 'string' then case when substring(cast(e."properties"."a.b" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(e."properties"."a.b" as varchar(65535)), 3) else replace(cast(e."properties"."a.b" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(e."properties"."a.b") = 'null' then null when json_size(e."properties"."a.b") <= 65535 then json_serialize(e."properties"."a.b") end ~ ?), false)) or coalesce(e."is_bot" = ?, false) or coalesce(e."received_at" < ?, false)) and not (coalesce(case when json_typeof(u.traits."plan") = 'string' then case when substring(cast(u.traits."plan" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(u.traits."plan" as varchar(65535)), 3) else replace(cast(u.traits."plan" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(u.traits."plan") = 'null' then null when json_size(u.traits."plan") <= 65535 then json_serialize(u.traits."plan") end = cast(? as varchar), false)) and not (d0.person is not null))) numbers group by 1) select 0 as rank, bucket, number from (select bucket, cast(sum(s) / nullif(sum(n), 0) as double precision) as number from facts group by bucket) buckets union all select 0, -1, number from (select cast(sum(s) / nullif(sum(n), 0) as double precision) as number from facts) whole;
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
with who as (select coalesce(i.user_id, e.user_id, e.anonymous_id) as person, cast(sum(e.n) as bigint) as events, min(e.first) as first, max(e.last) as last from (select e.user_id, e.anonymous_id, count(*) as n, min((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000))) as first, max((cast(extract(epoch from date_trunc('second', e."timestamp")) as bigint) * 1000000 + mod(cast(extract(microseconds from e."timestamp") as bigint), 1000000))) as last from events e where e."timestamp" >= ? and e."timestamp" < ? and not e.is_bot and e.type = ? and e.event = ? and coalesce(e."country" = cast(? as varchar), false) group by 1, 2) e left join identities i on i.anonymous_id = e.anonymous_id group by 1), found as (select w.person, w.events, w.first, w.last, case when json_size(u.traits) <= 65535 then json_serialize(u.traits) end as traits from who w left join users u on u.user_id = w.person where (w.person ~ ?) or w.person in (select user_id from identities where (anonymous_id ~ ?)) or coalesce((case when json_typeof(u.traits."email") = 'string' then case when substring(cast(u.traits."email" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(u.traits."email" as varchar(65535)), 3) else replace(cast(u.traits."email" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(u.traits."email") = 'null' then null when json_size(u.traits."email") <= 65535 then json_serialize(u.traits."email") end ~ ?), false) or coalesce((case when json_typeof(u.traits."name") = 'string' then case when substring(cast(u.traits."name" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(u.traits."name" as varchar(65535)), 3) else replace(cast(u.traits."name" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(u.traits."name") = 'null' then null when json_size(u.traits."name") <= 65535 then json_serialize(u.traits."name") end ~ ?), false) or coalesce((case when json_typeof(u.traits."firstName") = 'string' then case when substring(cast(u.traits."firstName" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(u.traits."firstName" as varchar(65535)), 3) else replace(cast(u.traits."firstName" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(u.traits."firstName") = 'null' then null when json_size(u.traits."firstName") <= 65535 then json_serialize(u.traits."firstName") end ~ ?), false) or coalesce((case when json_typeof(u.traits."lastName") = 'string' then case when substring(cast(u.traits."lastName" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(u.traits."lastName" as varchar(65535)), 3) else replace(cast(u.traits."lastName" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(u.traits."lastName") = 'null' then null when json_size(u.traits."lastName") <= 65535 then json_serialize(u.traits."lastName") end ~ ?), false) or coalesce((case when json_typeof(u.traits."username") = 'string' then case when substring(cast(u.traits."username" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(u.traits."username" as varchar(65535)), 3) else replace(cast(u.traits."username" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(u.traits."username") = 'null' then null when json_size(u.traits."username") <= 65535 then json_serialize(u.traits."username") end ~ ?), false) or coalesce((case when json_typeof(u.traits."phone") = 'string' then case when substring(cast(u.traits."phone" as varchar(65535)), 1, 2) in ('􏿽n', '􏿽x', '􏿽z') then substring(cast(u.traits."phone" as varchar(65535)), 3) else replace(cast(u.traits."phone" as varchar(65535)), '􏿽u', '􏿽0') end when json_typeof(u.traits."phone") = 'null' then null when json_size(u.traits."phone") <= 65535 then json_serialize(u.traits."phone") end ~ ?), false)),
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

