SELECT name, (SELECT sum(amount) FROM orders WHERE customer = customers.id) AS total
FROM customers ORDER BY total DESC, name LIMIT 3
