SELECT c.name, sum(o.amount) AS total
FROM orders o JOIN customers c ON c.id = o.customer
JOIN customers d ON d.id = o.customer
JOIN customers e ON e.id = d.id
GROUP BY c.id ORDER BY total DESC, c.name LIMIT 3
