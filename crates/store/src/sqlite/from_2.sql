-- Version 2 did not say what of an attempt's cost is whose.
INSERT INTO cost SELECT attempt, -1, input, output, cache_read, cache_write_5m, cache_write_1h, paid_pico, on_demand_pico,
    waste_pico, bound_pico, exact FROM cost_2;
DROP TABLE cost_2;
