using BankingEngine.Specs.Simulation;

return Commands.Run(args);
