INSERT INTO cost
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (attempt) DO UPDATE
SET input = excluded.input,
    output = excluded.output,
    cache_read = excluded.cache_read,
    cache_write_5m = excluded.cache_write_5m,
    cache_write_1h = excluded.cache_write_1h,
    paid_pico = excluded.paid_pico,
    on_demand_pico = excluded.on_demand_pico,
    waste_pico = excluded.waste_pico,
    bound_pico = excluded.bound_pico,
    exact = excluded.exact
