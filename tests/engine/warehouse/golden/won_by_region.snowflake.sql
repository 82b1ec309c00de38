WITH "journey" AS (
  WITH "deal_today" AS (
    SELECT
      "source"."id" AS "id",
      COALESCE("source"."is_new_business", TRUE) AS "is_new",
      DATEDIFF(DAY, CAST('1970-01-01' AS DATE), CAST("source"."created_at" AS DATE)) AS "created_day",
      CASE "source"."outcome" WHEN 'won' THEN 1 WHEN 'lost' THEN 2 ELSE 0 END AS "outcome",
      DATEDIFF(DAY, CAST('1970-01-01' AS DATE), CAST("source"."closed_at" AS DATE)) AS "closed_day",
      CASE
        WHEN "source"."amount" BETWEEN -1e13 AND 1e13
        THEN CAST(ROUND(CAST("source"."amount" AS DECIMAL(18, 4)), 2) * 100 AS BIGINT)
      END AS "amount_cents",
      "source"."stage" AS "stage",
      "source"."stage" AS "stage_today",
      CASE
        WHEN CASE "source"."outcome" WHEN 'won' THEN 1 WHEN 'lost' THEN 2 ELSE 0 END = 2
        THEN 1
        ELSE 0
      END AS "lost_today",
      DATEDIFF(DAY, CAST('1970-01-01' AS DATE), CAST("source"."created_at" AS DATE)) AS "own_day_0",
      COALESCE("source"."region", '(blank)') AS "by_region"
    FROM (
      SELECT
        "source"."id" AS "id",
        "source"."created_at" AS "created_at",
        "source"."closed_at" AS "closed_at",
        "source"."stage" AS "stage",
        "source"."amount" AS "amount",
        "source"."region" AS "region",
        "source"."source_row" AS "source_row",
        "source"."source_file" AS "source_file",
        "source"."outcome" AS "outcome",
        "source"."stage_id" AS "stage_id",
        "source"."is_new_business" AS "is_new_business"
      FROM (
select * from crm.deals
) AS "source"
    ) AS "source"
  ), "deal" AS (
    SELECT
      "deal_today"."id" AS "id",
      "deal_today"."is_new" AS "is_new",
      "deal_today"."created_day" AS "created_day",
      "deal_today"."outcome" AS "outcome",
      "deal_today"."closed_day" AS "closed_day",
      "deal_today"."amount_cents" AS "amount_cents",
      "deal_today"."stage" AS "stage",
      "deal_today"."stage_today" AS "stage_today",
      "deal_today"."lost_today" AS "lost_today",
      "deal_today"."own_day_0" AS "own_day_0",
      "deal_today"."by_region" AS "by_region"
    FROM "deal_today"
  )
  SELECT
    "deal"."by_region" AS "by_region",
    CASE WHEN "deal"."outcome" = 1 THEN "deal"."closed_day" END AS "won_day",
    "deal"."amount_cents" AS "amount_cents"
  FROM "deal"
), "event" AS (
  SELECT
    0 AS "number"
), "happened" AS (
  SELECT
    "journey"."by_region" AS "by_region",
    "event"."number" AS "event",
    CASE "event"."number" WHEN 0 THEN "journey"."won_day" END AS "day",
    CASE "event"."number" WHEN 0 THEN 1 END AS "n_0",
    CASE "event"."number" WHEN 0 THEN "journey"."amount_cents" END AS "cents_0"
  FROM "journey"
  CROSS JOIN "event"
), "located" AS (
  SELECT
    "happened"."by_region" AS "by_region",
    "happened"."event" AS "event",
    "happened"."n_0" AS "n_0",
    "happened"."cents_0" AS "cents_0",
    CASE
      WHEN "happened"."day" < 20454
      THEN 0
      WHEN "happened"."day" < 20544
      THEN 1
      ELSE 2
    END AS "period"
  FROM "happened"
  WHERE
    "happened"."day" <= 20634
)
SELECT
  "located"."event" AS "event",
  "located"."period" AS "period",
  "located"."by_region" AS "by_region",
  CAST(SUM("located"."n_0") AS BIGINT) AS "n_0",
  CAST(SUM("located"."cents_0") AS BIGINT) AS "cents_0"
FROM "located"
GROUP BY
  GROUPING SETS (
    ("located"."event", "located"."period"),
    ("located"."event", "located"."period", "located"."by_region")
  )
